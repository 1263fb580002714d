"""What is right and what is wrong."""
