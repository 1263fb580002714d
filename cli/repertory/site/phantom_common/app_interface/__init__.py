"""Whom webhooks speak to."""
