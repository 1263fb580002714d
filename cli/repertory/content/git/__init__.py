"""What Git is asked, and how: fetched commits, their trees, and never a checkout."""
