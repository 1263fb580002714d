"""Where everything is kept: one database, two dialects."""
