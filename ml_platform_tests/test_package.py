"""What `import ml_platform` offers: the component, for those who have Dagster, when it is asked for."""

from __future__ import annotations

import pytest

import ml_platform


def test_the_component_is_there_under_the_name_that_model_files_give() -> None:
    component = ml_platform.GovernedModel
    assert f"{ml_platform.__name__}.{component.__name__}" == "ml_platform.GovernedModel"
    assert "GovernedModel" in dir(ml_platform)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'UngovernedModel'"):
        _ = ml_platform.UngovernedModel
