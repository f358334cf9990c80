"""Settings come from the environment, and only from there."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.settings import (
    EVALUATION,
    TOKEN,
    environment_of_child,
    evaluated,
    forget_token,
    load_settings,
    source_url,
    token,
)

ALLOWED = "ML_PLATFORM_ALLOWED_URLS"
OURS = ("ML_PLATFORM_HOME", "ML_PLATFORM_ACTOR", "ML_PLATFORM_DEFS", "ML_PLATFORM_ONLY", "MLFLOW_TRACKING_URI")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*OURS, ALLOWED, EVALUATION):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_everything_lies_in_the_working_directory(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / ".ml_platform"
    assert settings.mlflow_uri == f"sqlite:///{tmp_path}/.ml_platform/mlflow/mlflow.db"
    assert (settings.defs, settings.only) == (None, ())


def test_a_folder_below_the_project_has_no_state_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").touch()
    below = tmp_path / "docs" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert load_settings().home == tmp_path / ".ml_platform"


def test_every_setting_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in zip(OURS, ("state", "carol", "models", " late, ,early", "https://mlflow.example"), strict=True):
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.home == tmp_path / "state"
    assert settings.actor == "carol"
    assert settings.defs == tmp_path / "models"
    assert settings.only == ("late", "early")
    assert settings.mlflow_uri == "https://mlflow.example"


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in OURS:
        monkeypatch.setenv(name, "")
    assert load_settings().home == tmp_path / ".ml_platform"
    assert load_settings().only == ()


def test_the_actor_is_the_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    assert load_settings().actor == "alice"


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no such user")])
def test_somebody_without_a_login_name_is_unknown(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert load_settings().actor == "unknown"


def test_places_to_fetch_from_are_none_or_those_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().allowed_urls == ()
    monkeypatch.setenv(ALLOWED, "https://data.example.org/, ,s3://bucket")
    assert load_settings().allowed_urls == ("https://data.example.org/", "s3://bucket")


def test_a_model_file_reaches_the_variables_of_sources_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_PLATFORM_SOURCE_SHOP", "sqlite:///shop.db")
    monkeypatch.setenv("SHOP", "another")
    assert source_url("shop") == "sqlite:///shop.db"
    assert source_url("home") is None


@pytest.mark.parametrize(("said", "found"), [("", None), ("fast", "fast"), ("full", "full")])
def test_the_surroundings_may_say_how_deeply_candidates_are_examined(
    monkeypatch: pytest.MonkeyPatch, said: str, found: str | None
) -> None:
    monkeypatch.setenv(EVALUATION, said)
    assert load_settings().evaluation == found
    with evaluated("fast"):
        assert load_settings().evaluation == "fast"
    assert load_settings().evaluation == found


def test_how_deeply_is_forgotten_again_where_nothing_said_it() -> None:
    with evaluated("full"):
        assert load_settings().evaluation == "full"
    assert load_settings().evaluation is None


def test_another_word_for_how_deeply_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EVALUATION, "quick")
    with pytest.raises(PolicyInvalid, match="ML_PLATFORM_EVALUATION: is 'quick'; full or fast is needed; unset it"):
        load_settings()


def test_a_token_is_read_once_it_is_set_and_can_be_dropped_for_all_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "secret")
    assert token() == "secret"
    assert "secret" not in repr(load_settings())
    forget_token()
    assert token() == ""
    assert TOKEN not in environment_of_child(Path(), {})
