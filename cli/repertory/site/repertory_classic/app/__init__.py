"""What runs the connector of a classic app."""
