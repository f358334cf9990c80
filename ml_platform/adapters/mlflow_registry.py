"""MLflow's registry: what people see of versions and aliases, read to be compared with the ledger, and put back."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ml_platform.adapters.mlflow_client import database_of, is_missing, open_client
from ml_platform.adapters.mlflow_errors import explained
from ml_platform.adapters.mlflow_rows import MlflowRows
from ml_platform.adapters.mlflow_shown_rows import ShownRows
from ml_platform.core.shown import ShownModel, ShownVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

PAGE = 200


class MlflowRegistry:
    """Reads and puts back what MLflow shows; see `Registry`. Tables that are known are used straight."""

    def __init__(self, tracking_uri: str) -> None:
        self.tracking_uri = tracking_uri

    def shown(self, model: str) -> ShownModel:
        """Return everything that is shown of a model."""
        with explained(self.tracking_uri, f"what is shown of {model} can't be read"):
            rows = self._rows()
            return rows.shown(model) if rows is not None else self._asked(model)

    def point(self, model: str, alias: str, number: int) -> None:
        """Point an alias at a version, by MLflow's number."""
        with explained(self.tracking_uri, f"{alias} of {model} can't be put back"):
            rows = self._rows()
            if rows is not None:
                rows.rows.point(model, alias, number)
            else:
                self._client.set_registered_model_alias(model, alias, str(number))

    def unpoint(self, model: str, alias: str) -> None:
        """Remove an alias."""
        with explained(self.tracking_uri, f"{alias} of {model} can't be removed"):
            rows = self._rows()
            if rows is not None:
                rows.unpoint(model, alias)
            else:
                self._client.delete_registered_model_alias(model, alias)

    def tag(self, model: str, number: int, tags: Mapping[str, str | None]) -> None:
        """Set tags of a version; None removes one."""
        with explained(self.tracking_uri, f"tags of {model} can't be put back"):
            rows = self._rows()
            if rows is not None:
                rows.tag(model, number, tags)
                return
            for key, value in tags.items():
                if value is None:
                    self._client.delete_model_version_tag(model, str(number), key)
                else:
                    self._client.set_model_version_tag(model, str(number), key, value)

    def untag_model(self, model: str, names: Sequence[str]) -> None:
        """Remove tags of the model itself."""
        with explained(self.tracking_uri, f"tags of {model} can't be removed"):
            rows = self._rows()
            if rows is not None:
                rows.untag_model(model, names)
                return
            for name in names:
                self._client.delete_registered_model_tag(model, name)

    def unstage(self, model: str, number: int) -> None:
        """Take a version out of MLflow's own stages."""
        with explained(self.tracking_uri, f"the stage of {model} can't be put back"):
            rows = self._rows()
            if rows is not None:
                rows.unstage(model, number)
                return
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # stages are deprecated; who set one has to be undone
                self._client.transition_model_version_stage(model, str(number), "None")

    def _rows(self) -> ShownRows | None:
        rows = MlflowRows.at(database_of(self.tracking_uri))
        return None if rows is None else ShownRows(rows)

    @functools.cached_property
    def _client(self) -> MlflowClient:
        return open_client(self.tracking_uri)

    def _asked(self, model: str) -> ShownModel:
        client = self._client
        with is_missing() as missing:
            found = client.get_registered_model(model)
        if missing:
            return ShownModel()
        versions = sorted(self._versions(model), key=lambda one: int(one.version))
        places = {run_id: self._place(run_id) for run_id in {one.run_id for one in versions}}
        return ShownModel(
            versions=tuple(
                ShownVersion(
                    number=int(one.version),
                    run_id=one.run_id or "",
                    genuine=places[one.run_id] == one.source,
                    stage=one.current_stage or "",
                    tags=dict(one.tags),
                )
                for one in versions
            ),
            aliases={alias: int(number) for alias, number in found.aliases.items()},
            tags=dict(found.tags),
        )

    def _versions(self, model: str) -> Iterator[ModelVersion]:
        token = None
        while True:
            page = self._client.search_model_versions(f"name = '{model}'", max_results=PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _place(self, run_id: str | None) -> str | None:
        """Return where the model of a run lies; None when there is none."""
        if not run_id:
            return None
        with is_missing():
            run = self._client.get_run(run_id)
            outputs = run.outputs.model_outputs if run.outputs is not None else []
            if outputs:
                place: str = self._client.get_logged_model(outputs[0].model_id).artifact_location
                return place
        return None
