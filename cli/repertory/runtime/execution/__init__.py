"""One attempt of one run: what a playbook asks, and what is answered or done."""
