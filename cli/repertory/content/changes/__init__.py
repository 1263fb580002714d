"""Changing what is installed: resolved, reviewed, agreed to, done."""
