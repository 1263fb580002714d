"""Measures how much of real classic content runs here."""
