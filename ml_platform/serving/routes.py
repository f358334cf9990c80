"""Routes: which page of which model a path names."""

from __future__ import annotations

from dataclasses import dataclass

SCORING = "/invocations"
EXPLAIN = "/explain"
BATCH = "/batch"
INFER = "v2/infer"
_UNKNOWN = "v2?"
_SERVER = {"/v2": "v2", "/v2/health/live": "v2/live", "/v2/health/ready": "v2/ready"}
_OF_MODEL = {"": "v2/model", "ready": "v2/model/ready", "infer": INFER}
_PATHS = {
    **{page: path for path, page in _SERVER.items()},
    "v2/model": "/v2/models/MODEL",
    "v2/model/ready": "/v2/models/MODEL/ready",
    INFER: "/v2/models/MODEL/infer",
}


@dataclass(frozen=True, slots=True)
class Route:
    """A page, and whose: `model` is empty where the path names none; so is `version`."""

    page: str
    model: str = ""
    version: str = ""

    @property
    def open_inference(self) -> bool:
        """Say whether it belongs to the Open Inference Protocol."""
        return self.page.startswith("v2")

    def path(self, model: str) -> str:
        """Return the page's path, in this form, of a model, in no version in particular."""
        if self.open_inference:
            return path_of(self.page).replace("MODEL", model)
        return f"/models/{model}{self.page}" if self.model else self.page


def path_of(page: str) -> str:
    """Return the path of a page.

    >>> path_of("v2/infer"), path_of("/health")
    ('/v2/models/MODEL/infer', '/health')
    """
    return _PATHS.get(page, page)


def route_of(path: str) -> Route:
    """Return what a path names; its page may be one that isn't there.

    >>> route_of("/v2/models/flights/versions/3/infer")
    Route(page='v2/infer', model='flights', version='3')
    >>> route_of("/models/flights/health"), route_of("/health")
    (Route(page='/health', model='flights', version=''), Route(page='/health', model='', version=''))
    """
    match path.split("/")[1:]:
        case ["v2", "models", model, "versions", version, *what] if model and version:
            return Route(_OF_MODEL.get("/".join(what), _UNKNOWN), model, version)
        case ["v2", "models", model, *what] if model:
            return Route(_OF_MODEL.get("/".join(what), _UNKNOWN), model)
        case ["v2", *_]:
            return Route(_SERVER.get(path, _UNKNOWN))
        case ["models", model, *rest] if model and rest:
            return Route("/" + "/".join(rest), model)
        case _:
            return Route(path)
