"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import ml_platform.stats
from ml_platform.stats import CATALOGUE

MODULES = sorted(module.name for module in pkgutil.iter_modules(ml_platform.stats.__path__, "ml_platform.stats."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


@pytest.mark.parametrize("metric", sorted(CATALOGUE))
def test_every_metric_has_an_example_and_a_source(metric: str) -> None:
    documented = getattr(importlib.import_module(CATALOGUE[metric]), metric).__doc__
    assert ">>> " in documented
    assert "Source" in documented
