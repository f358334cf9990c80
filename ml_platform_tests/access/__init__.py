"""Roles, persons, sessions and the guard."""
