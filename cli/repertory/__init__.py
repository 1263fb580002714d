"""Repertory: the tool."""

VERSION = "0.1.0"
