"""Learners: arrays in, a model as text out; one file per library."""
