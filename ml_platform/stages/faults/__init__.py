"""Faults: what goes wrong with data in practice, planted on purpose, one kind per file."""
