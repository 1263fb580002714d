"""The functions of the classic playbook API, by what they are for."""
