"""What classic playbooks take out of results, events and inputs, and what they compare it with: read from their code."""
