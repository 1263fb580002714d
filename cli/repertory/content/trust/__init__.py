"""Signatures, and whom a repository is known to be signed by."""
