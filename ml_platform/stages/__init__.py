"""The flow as plain functions over ports, from a snapshot to monitoring; usable in a notebook without Dagster."""
