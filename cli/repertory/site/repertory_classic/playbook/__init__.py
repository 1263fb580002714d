"""Classic playbooks: the data that they read by paths, the blocks that call each other back, and what they ask for."""
