"""Names of the classic app interface; only the modules below are used."""
