"""Checks of content, all static: one module for a group of rules; every one returns issues and never stops."""
