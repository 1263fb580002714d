"""Runs that are made up: results without apps, answers without people."""
