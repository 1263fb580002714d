"""What runs classic content in its own process."""
