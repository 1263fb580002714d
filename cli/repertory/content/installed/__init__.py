"""What is installed: lock, generations, and the bytes."""
