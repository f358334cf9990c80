"""Tests of the values every package speaks in."""
