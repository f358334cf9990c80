"""Tests that the benchmarks run; what they measure is nobody's promise here."""
