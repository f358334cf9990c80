"""Tests of ml_platform.learners."""
