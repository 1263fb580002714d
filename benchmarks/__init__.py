"""What the performance promises are measured with; each module prints a table, and JSON with ``--json``."""
