"""The only place of the runtime that starts processes."""
