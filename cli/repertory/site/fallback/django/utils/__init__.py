"""Strings and times."""
