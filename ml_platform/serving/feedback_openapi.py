"""OpenAPI of `POST /feedback`."""

from __future__ import annotations

from ml_platform.core.remark import HIGHEST_RATING, LOWEST_RATING
from ml_platform.serving.feedback import MOST_REMARKS
from ml_platform.stages.mask_comment import LONGEST_COMMENT

Schema = dict[str, object]
_ERRORS = {
    "400": "The body is no JSON, or no list of remarks.",
    "401": "The home has users, and no token of theirs was sent (Authorization: Bearer mlp_…).",
    "403": "The token's roles don't allow it.",
    "411": "The length of the body isn't said.",
    "413": "The body is larger than 1 MB or holds more than 1,000 remarks.",
    "415": "The content type isn't application/json.",
    "422": "A remark can't be taken; every problem is named with its row, and nothing was taken.",
    "429": "More than may be sent in a minute; Retry-After says when to come again.",
    "503": "More waits for the disk than is taken in at once, or the log can't be written; Retry-After says when.",
}


def feedback_operation() -> Schema:
    """Return the operation that takes remarks."""
    answer: Schema = {"type": ["number", "string", "boolean", "null"], "description": "0 or 1, the number, or a class."}
    remark: Schema = {
        "type": "object",
        "properties": {
            "prediction_id": {"type": "string", "maxLength": 256},
            "key": {"type": "object", "description": "Values of input columns that only this prediction has."},
            "outcome": answer,
            "correction": answer,
            "rating": {"type": ["integer", "null"], "minimum": LOWEST_RATING, "maximum": HIGHEST_RATING},
            "comment": {"type": "string", "maxLength": LONGEST_COMMENT},
            "at": {"type": ["string", "null"], "format": "date-time", "description": "When it was known."},
        },
        "additionalProperties": False,
        "example": {"prediction_id": "83da40b4e2949499d82d773eb92d2be9", "outcome": 1, "at": "2013-06-04T08:00:00Z"},
    }
    remarks: Schema = {"type": "array", "minItems": 1, "maxItems": MOST_REMARKS, "items": remark}
    body: Schema = {
        "type": "object", "properties": {"feedback": remarks}, "required": ["feedback"], "additionalProperties": False,
    }  # fmt: skip
    taken: Schema = {
        "type": "object",
        "properties": {
            "taken": {"type": "integer"},
            "heard_before": {"type": "integer"},
            "kept_aside": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["taken", "heard_before", "kept_aside"],
    }
    error: Schema = {"$ref": "#/components/schemas/Error"}
    responses = {code: _content(about, error) for code, about in _ERRORS.items()}
    return {
        "summary": "Say what came of predictions, or what you think of them.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": _content("They are on the disk.", taken), **responses},
    }


def _content(about: str, schema: Schema) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": schema}}}
