"""Drills: processes killed at random points."""
