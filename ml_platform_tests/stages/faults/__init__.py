"""Tests of the faults that are planted on purpose."""
