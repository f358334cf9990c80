"""Probes: what a full evaluation tries out with a model beside scoring the holdout once."""
