"""What apps import of the platform itself."""
