"""`ml_platform.GovernedModel`: the model file as a Dagster component; a thin adapter around the factory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dagster as dg
from pydantic import BaseModel, ConfigDict

from ml_platform.orchestration.build import load_definitions
from ml_platform.orchestration.scaffold import ModelScaffolder
from ml_platform.policy.load import FILE_NAME
from ml_platform.policy.spec import ModelSpec

if TYPE_CHECKING:
    from dagster.components.core.context import ComponentLoadContext


class _Attributes(BaseModel):
    """What Dagster's tooling sees of a model file: its schema, while the values pass through unread."""

    model_config = ConfigDict(extra="allow")

    @classmethod
    def model_json_schema(cls, *_: object, **__: object) -> dict[str, Any]:
        """Return the schema of the model file."""
        return ModelSpec.model_json_schema()


@dg.scaffold_with(ModelScaffolder)
class GovernedModel(dg.Component):
    """A governed model: one typed file becomes gated assets, jobs and a sensor, from the source to production.

    The file is read again, strictly and with its line numbers; Dagster's templating isn't applied to it, because
    every value would be allowed to be a string then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """Return what `dg list components` shows."""
        return dg.ComponentTypeSpec(
            description="A governed model: contract, features, learner, gates, deployment, monitoring in one file.",
            tags=["machine-learning", "governance"],
        )

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Return the type that tells Dagster's tooling the schema of `attributes`."""
        return _Attributes

    @classmethod
    def load(cls, attributes: BaseModel | None, context: ComponentLoadContext) -> Self:  # noqa: ARG003  (read anew)
        """Return the component of the file that is being loaded."""
        path = Path(context.path)
        return cls(path / FILE_NAME if path.is_dir() else path)

    def build_defs(self, context: ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  (Dagster's signature)
        """Return the definitions of the model file, or the stand-in of a broken one."""
        return load_definitions(self.path)
