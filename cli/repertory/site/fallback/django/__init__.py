"""The few parts of Django that classic apps import without asking for it; a real one comes first."""

VERSION = (4, 2, 0, "final", 0)
