"""Tests of a features module: the platform's own, made from the contract and real rows, and the team's."""
