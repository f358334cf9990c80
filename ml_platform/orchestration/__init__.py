"""Dagster wiring: the GovernedModel component, its assets, gates as checks, jobs, the sensor, the IO manager."""
