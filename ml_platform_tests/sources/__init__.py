"""Tests of ml_platform.sources."""
