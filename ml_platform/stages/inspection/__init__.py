"""Inspection of a batch against a reference: exact two-sample tests per family of faults, under one error budget."""
