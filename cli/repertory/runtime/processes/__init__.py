"""Child processes: how they are started, and how we speak with them."""
