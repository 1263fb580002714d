"""Who seals secrets."""
