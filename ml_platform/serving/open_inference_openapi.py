"""Open inference OpenAPI: the paths of the Open Inference Protocol in the service's description."""

from __future__ import annotations

from collections.abc import Mapping

from ml_platform.serving.tensors import BYTES, DTYPES

Schema = dict[str, object]

_REFUSALS: Mapping[str, str] = {
    "400": "The body is no request of the protocol.",
    "401": "The home has users, and no token of theirs was sent (Authorization: Bearer mlp_…).",
    "403": "The token's roles don't allow it.",
    "404": "No such model, or its version isn't the live one.",
    "413": "The body is larger than 10 MB or holds more than 10,000 rows.",
    "415": "The content type is neither application/json nor application/octet-stream.",
    "422": "The rows don't keep the contract; every problem is named with row and column.",
    "429": "More than may be asked for in a minute; Retry-After says when to come again.",
    "503": "Nothing is live, or the prediction log can't be written.",
}
_WHEN_LOOKED_AT = ("401", "403", "404", "503")


def open_inference_paths(model: str) -> Schema:
    """Return what the protocol adds to the service's paths, for one model."""
    server: Schema = {"type": "object", "required": ["name", "version", "extensions"]}
    one = f"/v2/models/{model}"
    return {
        "/v2": {"get": _looked("What the server is.", server)},
        "/v2/health/live": {"get": _looked("Whether the process answers.", {"type": "object"})},
        "/v2/health/ready": {"get": _looked("Whether every model is served.", {"type": "object"})},
        one: {"get": _looked("The inputs and outputs of the live version.", {"type": "object"})},
        f"{one}/ready": {"get": _looked("Whether the model is served.", {"type": "object"})},
        f"{one}/infer": {
            "post": {
                "summary": "Score rows, a tensor per column of the contract.",
                "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("InferRequest")}}},
                "responses": {
                    "200": _content("The scores, as tensors.", _ref("InferResponse")),
                    **_refusals(tuple(_REFUSALS)),
                },
            }
        },
    }


def open_inference_schemas() -> Schema:
    """Return the schemas that the protocol's paths name."""
    text, parameters = {"type": "string"}, {"type": "object"}
    tensor: Schema = {
        "type": "object",
        "properties": {
            "name": text,
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
            "datatype": {"type": "string", "enum": [BYTES, *DTYPES]},
            "parameters": parameters,
            "data": {"type": "array"},
        },
        "required": ["name", "shape", "datatype"],
    }
    request: Schema = {
        "type": "object",
        "properties": {
            "id": text,
            "parameters": parameters,
            "inputs": {"type": "array", "items": tensor, "minItems": 1},
            "outputs": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": text, "parameters": parameters},
                    "required": ["name"],
                },
            },
        },
        "required": ["inputs"],
    }
    response: Schema = {
        "type": "object",
        "properties": {"id": text, "model_name": text, "model_version": text, "parameters": parameters,
                       "outputs": {"type": "array", "items": tensor}},
        "required": ["model_name", "model_version", "outputs"],
    }  # fmt: skip
    error: Schema = {"type": "object", "properties": {"error": text}, "required": ["error"]}
    return {"InferRequest": request, "InferResponse": response, "InferError": error}


def _looked(about: str, schema: Schema) -> Schema:
    return {"summary": about, "responses": {"200": _content(about, schema), **_refusals(_WHEN_LOOKED_AT)}}


def _refusals(codes: tuple[str, ...]) -> Schema:
    return {code: _content(_REFUSALS[code], _ref("InferError")) for code in codes}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(about: str, schema: Schema) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": schema}}}
