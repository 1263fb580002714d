"""What the results of actions look like to people: tables, and what apps draw themselves."""
