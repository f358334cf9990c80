"""A governed model: see defs.yaml."""
