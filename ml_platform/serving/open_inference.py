"""Open inference: scoring requests of the Open Inference Protocol (v2, HTTP), a tensor per column of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ml_platform.serving.answer import Answered, Classed
from ml_platform.serving.body import JSON
from ml_platform.serving.contract_check import Checked
from ml_platform.serving.input_guard import Guarded
from ml_platform.serving.live import Live
from ml_platform.serving.open_inference_pages import outputs_of
from ml_platform.serving.protocol import encode
from ml_platform.serving.refusal import Refused, shown
from ml_platform.serving.reply import Reply, refusal_headers
from ml_platform.serving.request import MAXIMUM_ROWS, Rows, read_json
from ml_platform.serving.tensors import Tensor, malformed, packed, values_of

BINARY = b"application/octet-stream"
HEADER_LENGTH = b"inference-header-content-length"
MOST_TENSORS = 10_000


class RequestedOutput(msgspec.Struct, frozen=True):
    """An output that was asked for by name."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, frozen=True):
    """The JSON of a request."""

    inputs: list[Tensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[RequestedOutput] = []


@dataclass(slots=True)
class OpenInference:
    """One request of the protocol; `version` is empty unless the path names one."""

    header_length: bytes | None
    version: str = ""
    kinds: tuple[bytes, ...] = (JSON, BINARY)
    cost: int = 1
    _request: InferRequest = field(default_factory=lambda: InferRequest([]))

    @property
    def names_version(self) -> bool:
        """Say whether the path names one."""
        return bool(self.version)

    def read(self, live: Live, body: bytes) -> tuple[Rows, Checked]:
        """Return the rows that the tensors hold, checked against the contract; raises Refused with every problem."""
        require_version(live, self.version)
        head, binary = _parted(body, self.header_length)
        self._request = _request(head)
        _require_outputs(self._request, live)
        rows = _rows(self._request.inputs, _raw(self._request.inputs, binary), live)
        return rows, live.contract_check.check(rows)

    def told(self, live: Live, answered: Answered) -> Reply:
        """Return the answer, in JSON, with the outputs behind it that were asked for as binary data."""
        asked, answer = self._request, answered.answer
        values = _values(answered)
        wanted = {one.name: one.parameters for one in asked.outputs} or {name: {} for name in values}
        everything = asked.parameters.get("binary_data_output") is True
        outputs: list[dict[str, object]] = []
        tail = b""
        for output in outputs_of(live.predictor.contract):
            if output.name not in wanted:
                continue
            flat = values[output.name]
            told = {"name": output.name, "datatype": output.datatype, "shape": output.shape(len(answer.predictions))}
            if wanted[output.name].get("binary_data", everything) is True:
                data = packed(output.datatype, flat)
                outputs.append({**told, "parameters": {"binary_data_size": len(data)}})
                tail += data
            else:
                outputs.append({**told, "data": flat})
        head = encode(
            {
                "model_name": answer.model,
                "model_version": str(answer.version),
                **({"id": asked.id} if asked.id else {}),
                "parameters": {"model_digest": answer.model_digest, **_guarded(answered.guarded)},
                "outputs": outputs,
            }
        )
        if not tail:
            return Reply(200, head)
        return Reply(200, head + tail, BINARY, ((HEADER_LENGTH, str(len(head)).encode()),))

    def refused(self, refused: Refused) -> Reply:
        """Return a refusal as the protocol has it, with what is wrong beside it."""
        return error_reply(refused)


def error_reply(refused: Refused) -> Reply:
    """Return a refusal as the protocol has it: `error`, and beside it every problem with row and column."""
    said: dict[str, object] = {"error": refused.body.message}
    if refused.body.problems:
        said |= {"problems": refused.body.problems, "problems_found": refused.body.problems_found}
    return Reply(refused.status, encode(said), headers=refusal_headers(refused))


def require_version(live: Live, version: str) -> None:
    """Raise Refused unless the version that is asked for is the live one; none in particular always is."""
    manifest = live.manifest
    if version and version != str(manifest.version):
        message = (
            f"version '{shown(version)}' of {manifest.model} isn't live in {manifest.environment}; version "
            f"{manifest.version} is: ask for that, or for none in particular"
        )
        raise Refused(404, "NOT_FOUND", message)


def _parted(body: bytes, header_length: bytes | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    length = int(header_length) if header_length.isdigit() and len(header_length) < len("10000000000") else -1
    if not 0 <= length <= len(body):
        raise malformed(
            f"Inference-Header-Content-Length isn't the length of the JSON in this body ({len(body):,} bytes)"
        )
    return body[:length], body[length:]


def _request(head: bytes) -> InferRequest:
    try:
        request = msgspec.convert(read_json(head), InferRequest)
    except msgspec.MsgspecError as error:
        raise malformed(f"the body isn't a request of the protocol: {error}") from error
    if not 0 < len(request.inputs) <= MOST_TENSORS:
        raise malformed(f"'inputs' holds {len(request.inputs):,} tensors; one per column of the contract is needed")
    return request


def _require_outputs(request: InferRequest, live: Live) -> None:
    known = [output.name for output in outputs_of(live.predictor.contract)]
    for output in request.outputs:
        if output.name not in known:
            raise malformed(f"the output '{shown(output.name)}' isn't known; known: {', '.join(known)}")
        if output.parameters.get("classification"):
            raise malformed("'classification' isn't known here; ask for the outputs by name")


def _raw(inputs: Sequence[Tensor], binary: bytes) -> list[bytes | None]:
    """Return each tensor's binary data, which lie one behind the other in the tensors' order."""
    found: list[bytes | None] = []
    at = 0
    for tensor in inputs:
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            found.append(None)
            continue
        if type(size) is not int or not 0 <= size <= len(binary) - at:
            raise malformed(f"input '{shown(tensor.name)}': its binary_data_size isn't the size of data in this body")
        found.append(binary[at : at + size])
        at += size
    if at != len(binary):
        raise malformed(f"{len(binary) - at:,} bytes of binary data belong to no input")
    return found


def _rows(inputs: Sequence[Tensor], raw: Sequence[bytes | None], live: Live) -> Rows:
    twice = [name for name, count in Counter(tensor.name for tensor in inputs).items() if count > 1]
    if twice:
        raise malformed(f"the input '{shown(twice[0])}' is given twice")
    contract = live.predictor.contract
    kinds = {column.name: column.type for column in contract.inputs}
    declared = {column.name: column.levels for column in contract.inputs}
    if contract.time is not None:
        kinds.setdefault(contract.time, "datetime")
    columns: dict[str, list[Any]] = {}
    for tensor, data in zip(inputs, raw, strict=True):
        kind = kinds.get(tensor.name)
        if kind is None:
            raise malformed(f"the input '{shown(tensor.name)}' isn't in the contract, which has {', '.join(kinds)}")
        is_text = "" in (declared.get(tensor.name) or live.predictor.levels.get(tensor.name, ()))
        columns[tensor.name] = values_of(tensor, kind, data, empty_is_text=is_text)
    return _by_row(columns)


def _by_row(columns: Mapping[str, Sequence[Any]]) -> Rows:
    counts = {len(values) for values in columns.values()}
    if len(counts) > 1:
        raise malformed(f"the inputs have different lengths ({min(counts)} to {max(counts)})")
    if not counts or 0 in counts:
        raise malformed("the inputs hold no row")
    if max(counts) > MAXIMUM_ROWS:
        message = f"the request holds {max(counts):,} rows, at most {MAXIMUM_ROWS:,} are answered at once: send fewer"
        raise Refused(413, "TOO_LARGE", message)
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(answered: Answered) -> dict[str, list[Any]]:
    answer = answered.answer
    predictions, ids = answer.predictions, answer.prediction_ids
    names = answered.live.predictor.contract.classes
    if names:
        classed = [one if isinstance(one, Classed) else None for one in predictions]
        nothing = [None] * len(names)
        return {
            "class": [one.decided if one else None for one in classed],
            "probabilities": [share for one in classed for share in (one.probabilities.values() if one else nothing)],
            "prediction_id": ids,
        }
    return {"score": list(predictions), "prediction_id": ids}


def _guarded(guarded: Guarded | None) -> dict[str, str]:
    """Return what the model's guard says, as JSON in a text: the protocol has no other parameters."""
    if guarded is None:
        return {}
    said = {"flagged": guarded.flagged, "abstained": guarded.abstained}
    return {what: encode(problems).decode() for what, problems in said.items() if problems}
