"""Tests of ml_platform; the folders mirror the packages."""
