"""Pages: what the service tells of itself and of its models, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ml_platform.serving import metrics, open_inference_pages, openapi, status
from ml_platform.serving.docs_page import POLICY, docs_page
from ml_platform.serving.live import Live
from ml_platform.serving.open_inference import error_reply, require_version
from ml_platform.serving.protocol import MLFLOW, encode
from ml_platform.serving.refusal import Refused
from ml_platform.serving.reply import Reply
from ml_platform.serving.routes import Route
from ml_platform.serving.served import Served

AWAY = frozenset({"unavailable", "draining"})  # requests had better be sent elsewhere
HTML = b"text/html; charset=utf-8"
Page = Callable[[Served, Route, status.Process], Reply]


def nothing_live(served: Served) -> Refused:
    """Return the refusal of what needs a live version."""
    return Refused(503, "TEMPORARILY_UNAVAILABLE", status.nothing_live(served.follower))


def health_of(served: Served, process: status.Process) -> status.Health:
    """Return how a model is served."""
    return status.health(served.follower, served.traffic, process)


def overall(each: Collection[str]) -> str:
    """Return the status of a service of several models: it is unavailable only when none of them is served."""
    if set(each) == {"ok"}:
        return "ok"
    if "draining" in each:
        return "draining"
    return "unavailable" if set(each) == {"unavailable"} else "degraded"


def health(served: Served, route: Route, process: status.Process) -> Reply:  # noqa: ARG001 - what a page is given
    """Say how one model is served."""
    said = health_of(served, process)
    return Reply(200 if said.ready else 503, encode(said))


def all_health(models: Collection[Served], process: status.Process) -> Reply:
    """Say how several models are served."""
    said = {one.model: health_of(one, process) for one in models}
    together = overall([one.status for one in said.values()])
    return Reply(503 if together in AWAY else 200, encode({"status": together, "models": said}))


def ping(served: Served, route: Route, process: status.Process) -> Reply:
    """Answer as MLflow's server does, by status alone."""
    return Reply(health(served, route, process).status, b"\n")


def version(served: Served, route: Route, process: status.Process) -> Reply:  # noqa: ARG001
    """Say exactly what is served."""
    live = served.follower.live
    return MLFLOW.refused(nothing_live(served)) if live is None else Reply(200, encode(status.version(live)))


def described(served: Served, route: Route, process: status.Process) -> Reply:  # noqa: ARG001
    """Describe the service by the live model's contract, as OpenAPI."""
    return Reply(200, encode(openapi.document(served.model, served.follower.live)))


def docs(served: Served, route: Route, process: status.Process) -> Reply:  # noqa: ARG001
    """Describe the live model's contract as a page."""
    live = served.follower.live
    page = docs_page(served.model, live, "" if live else status.nothing_live(served.follower))
    headers = ((b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"))
    return Reply(200, page.encode(), HTML, headers)


def model(served: Served, route: Route, process: status.Process) -> Reply:  # noqa: ARG001
    """Say what the live version takes and gives, in the Open Inference Protocol."""
    return _of_live(served, route, open_inference_pages.model_metadata)


def model_ready(served: Served, route: Route, process: status.Process) -> Reply:  # noqa: ARG001
    """Say whether a model, in this version, answers."""
    reply = _of_live(served, route, lambda live: {"name": live.manifest.model, "ready": True})
    if reply.status == 200 and not served.ready:
        return Reply(503, encode({"name": served.model, "ready": False}))
    return reply


def _of_live(served: Served, route: Route, tell: Callable[[Live], Mapping[str, object]]) -> Reply:
    live = served.follower.live
    if live is None:
        return error_reply(nothing_live(served))
    try:
        require_version(live, route.version)
    except Refused as refused:
        return error_reply(refused)
    return Reply(200, encode(tell(live)))


def server() -> Reply:
    """Say what the server is, in the Open Inference Protocol."""
    return Reply(200, encode(open_inference_pages.server_metadata()))


def alive() -> Reply:
    """Say that the process answers."""
    return Reply(200, encode({"live": True}))


def ready(models: Collection[Served], process: status.Process) -> Reply:
    """Say whether every model answers, and goes on doing so."""
    every = not process.draining and all(one.ready for one in models)
    return Reply(200 if every else 503, encode({"ready": every}))


def counted(text: str) -> Reply:
    """Return the metrics of the service and its models."""
    return Reply(200, text.encode(), metrics.CONTENT_TYPE.encode())


OF_MODEL: Mapping[str, Page] = {
    "/health": health,
    "/ping": ping,
    "/version": version,
    "/openapi.json": described,
    "/docs": docs,
    "v2/model": model,
    "v2/model/ready": model_ready,
}
