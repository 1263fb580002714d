"""Content written for Splunk SOAR (Phantom before): found where it lies, and arranged as if it were ours."""
