"""A virtual environment for each set of requirements."""
