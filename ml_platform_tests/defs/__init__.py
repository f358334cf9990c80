"""Tests of ml_platform.defs."""
