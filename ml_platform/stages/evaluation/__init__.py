"""Evaluation in a notebook: measure scores, compare two models on the same rows, and judge both by a policy."""
