"""Tests of the scoring service, most of them against real server processes."""
