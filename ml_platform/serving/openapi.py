"""OpenAPI: the service described from the live model's contract, as a document and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_platform.core.input_guard import NO_GUARD
from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.serving.feedback_openapi import feedback_operation
from ml_platform.serving.live import Live
from ml_platform.serving.open_inference_openapi import open_inference_paths, open_inference_schemas

Schema = dict[str, object]
Levels = Mapping[str, Sequence[str]]

_TYPES: Mapping[str, Schema] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "category": {"type": "string", "maxLength": 256},
}
_PROBLEM: Mapping[str, Schema] = {
    "problem": {"type": "string"},
    "row": {"type": ["integer", "null"]},
    "column": {"type": ["string", "null"]},
}
_ERRORS = {
    "400": "The body is no JSON, or in none of the formats.",
    "401": "The home has users, and no token of theirs was sent (Authorization: Bearer mlp_…).",
    "403": "The token's roles don't allow it.",
    "413": "The body is larger than 10 MB or holds more than 10,000 rows.",
    "415": "The content type is neither application/json nor text/csv, or not in UTF-8.",
    "422": "The rows don't keep the contract; every problem is named with row and column.",
    "429": "More than may be asked for in a minute; Retry-After says when to come again.",
    "503": "Nothing is live, or the prediction log can't be written.",
}


def document(model: str, live: Live | None) -> Schema:
    """Return the OpenAPI 3.1 document; without a live model it has no row schema."""
    schemas: Schema = {"Answer": _answer(live), "Error": _error()}
    schemas |= {"Explanations": _explanations(), **open_inference_schemas()}
    if live is not None:
        schemas["Row"] = row_schema(live.predictor.contract, live.predictor.levels)
    version = str(live.manifest.version) if live is not None else "none is live"
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{model}: scoring", "version": version},
        "paths": {
            "/invocations": {"post": _invocations(live)},
            "/explain": {"post": _explain(live)},
            "/batch": {"post": _batch()},
            "/feedback": {"post": feedback_operation()},
            **open_inference_paths(model),
            "/health": {"get": _page("What is live since when, uptime, log lag, problems.")},
            "/ping": {"get": _page("200 when scoring requests are answered, else 503.")},
            "/version": {"get": _page("Exactly what is served, by digest.")},
            "/metrics": {"get": _page("Prometheus metrics.", "text/plain")},
        },
        "components": {"schemas": schemas},
    }


def row_schema(contract: ScoringContract, levels: Levels) -> Schema:
    """Return the JSON schema of one row; `levels` are those the model learned, told only where they may be shown."""
    properties: Schema = {column.name: _column(column) for column in contract.inputs}
    if contract.time is not None and contract.time not in properties:
        about = "When the scored event happens; the time of the request when left out."
        properties[contract.time] = {"type": ["string", "null"], "format": "date-time", "description": about}
    return {
        "type": "object",
        "properties": properties,
        "required": [column.name for column in contract.inputs],
        "additionalProperties": False,
        "example": example(contract, levels),
    }


def example(contract: ScoringContract, levels: Levels) -> Schema:
    """Return a row that keeps the contract, of levels the model knows as far as they may be shown."""
    told = shown_levels(contract, levels)
    return {column.name: _value(column, told.get(column.name)) for column in contract.inputs}


def shown_levels(contract: ScoringContract, levels: Levels) -> Levels:
    """Return the declared levels, and of what was learned only that of columns that aren't personal."""
    learned = {name: levels[name] for name in contract.shown if name in levels}
    declared = {column.name: column.levels for column in contract.inputs if column.levels}
    return {**learned, **declared}


def _column(column: InputColumn) -> Schema:
    schema = dict(_TYPES[column.type])
    if column.type in {"integer", "number"}:
        schema |= {
            key: value for key, value in (("minimum", column.low), ("maximum", column.high)) if value is not None
        }
    if column.levels is not None:
        schema["enum"] = [*column.levels, None] if column.missing > 0 else list(column.levels)
    if column.missing > 0:
        schema["type"] = [schema["type"], "null"]
    return schema


def _value(column: InputColumn, levels: Sequence[str] | None) -> object:
    match column.type:
        case "integer" | "number":
            return _between(column)
        case "boolean":
            return True
        case "datetime":
            return "2013-06-01T09:30:00Z"
        case _:
            return levels[0] if levels else "a level"


def _between(column: InputColumn) -> float | int:
    low = column.low if column.low is not None else min(0.0, column.high or 0.0)
    high = column.high if column.high is not None else max(low, 0.0)
    middle = low / 2 + high / 2
    if column.type == "number":
        return middle
    whole = round(middle)
    return whole if low <= whole <= high else int(low)


def _invocations(live: Live | None) -> Schema:
    rows: Schema = {"type": "array", "minItems": 1, "maxItems": 10_000, "items": {"type": "object"}}
    if live is not None:
        rows["items"] = {"$ref": "#/components/schemas/Row"}
    formats: Sequence[Schema] = [
        _format("dataframe_records", rows),
        _format(
            "dataframe_split",
            {
                "type": "object",
                "properties": {
                    "columns": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
                    "data": {"type": "array", "items": {"type": "array"}},
                    "index": {"type": "array"},
                },
                "required": ["columns", "data"],
            },
        ),
        _format("inputs", {"oneOf": [rows, {"type": "object", "additionalProperties": {"type": "array"}}]}),
        _format("instances", {"oneOf": [rows, {"type": "object", "additionalProperties": {"type": "array"}}]}),
    ]
    responses: Schema = {"200": _content("One score per row.", {"$ref": "#/components/schemas/Answer"})}
    responses |= {code: _content(about, {"$ref": "#/components/schemas/Error"}) for code, about in _ERRORS.items()}
    body = {"required": True, "content": {"application/json": {"schema": {"oneOf": formats}}}}
    return {"summary": "Score rows in one of MLflow's formats.", "requestBody": body, "responses": responses}


def _explain(live: Live | None) -> Schema:
    described = _invocations(live)
    answer: Schema = {"allOf": [{"$ref": "#/components/schemas/Answer"}, {"$ref": "#/components/schemas/Explanations"}]}
    about = "How many reasons of each row are told."
    return {
        **described,
        "summary": "Score rows, and say what each feature did to each score; at most 200 rows.",
        "parameters": [
            {
                "name": "reasons",
                "in": "query",
                "description": about,
                "schema": {"type": "integer", "minimum": 0, "maximum": 100, "default": 4},
            }
        ],
        "responses": described["responses"] | {"200": _content("Scores and explanations.", answer)},  # type: ignore[operator]
    }


def _batch() -> Schema:
    rows = "A row per line: objects that name the columns, or CSV with a header line."
    lines = (
        "A line per row, `{row, prediction, prediction_id, version}`, with what its guard says (`flagged`, "
        "`abstained`), or `{row, error_code, message, problems}`, and at the end one with the counts; `complete` says "
        "whether everything was read."
    )
    kinds = ("application/x-ndjson", "text/csv")
    responses: Schema = {"200": _content(lines, {"type": "string"}, kinds[0])}
    responses |= {
        code: _content(about, {"type": "string"}, kinds[0]) for code, about in _ERRORS.items() if code != "422"
    }
    return {
        "summary": "Score many rows in a stream: up to 1 GB and 1,000,000 rows.",
        "requestBody": {
            "required": True,
            "description": rows,
            "content": {kind: {"schema": {"type": "string"}} for kind in kinds},
        },
        "responses": {
            **responses,
            "408": _content("No part of the body came for 30 seconds.", {"type": "string"}, kinds[0]),
        },
    }


def _explanations() -> Schema:
    number, text = {"type": "number"}, {"type": "string"}
    reason = {"feature": text, "effect": {"enum": ["raises", "lowers"]}, "contribution": number, "words": text}
    names: Schema = {"type": "array", "items": text}
    part = {"columns": names, "features": names, "contribution": number}
    why = {"columns": names, **{key: about for key, about in reason.items() if key != "feature"}}
    told: Schema = {
        "decision": text,
        "unit": text,
        "average": number,
        "raw": number,
        "contributions": {"type": "object", "additionalProperties": number},
        "reasons": {"type": "array", "items": {"type": "object", "properties": reason, "required": list(reason)}},
        "columns": {"type": "array", "items": {"type": "object", "properties": part, "required": list(part)}},
        "column_reasons": {"type": "array", "items": {"type": "object", "properties": why, "required": list(why)}},
    }
    told["p_value"] = {"type": ["number", "null"]}
    items = {"type": ["object", "null"], "properties": told, "required": list(told)}
    array = {"type": "array", "items": items}
    return {"type": "object", "properties": {"explanations": array}, "required": ["explanations"]}


def _format(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _content(about: str, schema: Schema, kind: str = "application/json") -> Schema:
    return {"description": about, "content": {kind: {"schema": schema}}}


def _page(about: str, kind: str = "application/json") -> Schema:
    schema = {"type": "object" if kind == "application/json" else "string"}
    return {"summary": about, "responses": {"200": _content(about, dict(schema), kind)}}


def _prediction(live: Live | None) -> Schema:
    """Return the schema of one prediction: null where the guard may abstain, a number, or the decided class."""
    guard = live.predictor.guard if live else NO_GUARD
    abstains = "abstain" in {guard.out_of_contract, guard.out_of_range, guard.unseen_level}
    known = _score(live.predictor.contract.classes if live else ())
    return {"oneOf": [known, {"type": "null"}]} if abstains else known


def _score(classes: Sequence[str]) -> Schema:
    """Return the schema of one score: a number, or the decided class with the probability of each."""
    if not classes:
        return {"type": "number"}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "type": "object",
        "properties": {
            "class": {"type": "string", "enum": list(classes)},
            "probabilities": {
                "type": "object",
                "properties": dict.fromkeys(classes, share),
                "required": list(classes),
                "additionalProperties": False,
            },
        },
        "required": ["class", "probabilities"],
    }


def _answer(live: Live | None) -> Schema:
    found = {"type": "array", "items": {"type": "object", "properties": dict(_PROBLEM), "required": list(_PROBLEM)}}
    return {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": _prediction(live)},
            "prediction_ids": {"type": "array", "items": {"type": "string"}},
            "model": {"type": "string"},
            "version": {"type": "integer"},
            "model_digest": {"type": "string"},
            "flagged": found,
            "abstained": found,
        },
        "required": ["predictions", "prediction_ids", "model", "version", "model_digest"],
    }


def _error() -> Schema:
    return {
        "type": "object",
        "properties": {
            "error_code": {"type": "string"},
            "message": {"type": "string"},
            "problems": {"type": "array", "items": {"type": "object", "properties": dict(_PROBLEM)}},
            "problems_found": {"type": "integer"},
        },
        "required": ["error_code", "message"],
    }
