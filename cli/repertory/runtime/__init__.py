"""From an event to a finished run."""
