"""What is kept for people: events, assets, runs."""
