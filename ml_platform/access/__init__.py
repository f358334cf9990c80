"""Who may do what: roles, persons, and the guard around Dagster's web server."""
