"""The page at /docs: the contract, an example and a form to try it; nothing is fetched from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape

from ml_platform.core.input_guard import InputGuard
from ml_platform.core.scoring import InputColumn
from ml_platform.serving.live import Live
from ml_platform.serving.openapi import example, shown_levels

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --accent: #2563eb }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
pre, textarea { background: #8881; padding: .8rem; border: 1px solid var(--line); border-radius: .4rem; overflow: auto }
textarea { width: 100%; box-sizing: border-box; font: 14px/1.4 monospace; color: inherit }
button { font: inherit; padding: .4rem 1.2rem; border: 0; border-radius: .4rem; background: var(--accent); color: #fff }
.scroll { overflow-x: auto }
"""
_SCRIPT = """
document.getElementById('send').addEventListener('click', async () => {
  const out = document.getElementById('answer')
  const body = document.getElementById('body').value
  try {
    const headers = {'content-type': 'application/json'}
    const reply = await fetch('invocations', {method: 'POST', headers, body})
    out.textContent = reply.status + '\\n' + JSON.stringify(await reply.json(), null, 2)
  } catch (error) { out.textContent = String(error) }
})
"""


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


POLICY = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_page(model: str, live: Live | None, nothing_live: str) -> str:
    """Return the page; without a live model it says what to do."""
    body = f"<p>{escape(nothing_live)}</p>" if live is None else _contract(live)
    title = f"{escape(model)}: scoring"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1>{body}"
        '<p>Also here: <a href="health">health</a>, <a href="version">version</a>, <a href="metrics">metrics</a>, '
        '<a href="openapi.json">OpenAPI document</a>.</p></body></html>'
    )


def _contract(live: Live) -> str:
    contract, manifest = live.predictor.contract, live.manifest
    levels = live.predictor.levels
    told = shown_levels(contract, levels)
    rows = "".join(_row(column, told.get(column.name)) for column in contract.inputs)
    if contract.time is not None and contract.time not in {column.name for column in contract.inputs}:
        rows += _cells(contract.time, "datetime", "when the event happens; may be left out", "yes")
    body = json.dumps({"dataframe_records": [example(contract, levels)]}, indent=2)
    selected = "" if contract.threshold is None else f" A score of {contract.threshold:g} or more counts as selected."
    return (
        f"<p>Version {manifest.version} is live in {escape(manifest.environment)} since "
        f"{manifest.since:%Y-%m-%d %H:%M} UTC.{selected}</p>"
        "<h2>Columns of a row</h2><div class=scroll><table><tr><th>column<th>type<th>allowed<th>null</tr>"
        f"{rows}</table></div>{_guard(live.predictor.guard)}"
        "<h2>Try it</h2><p>POST to <code>/invocations</code>; this sends a real request, and it is logged.</p>"
        f'<textarea id="body" rows="14" spellcheck="false">{escape(body)}</textarea>'
        '<p><button id="send">Send</button></p><pre id="answer" aria-live="polite"></pre>'
        "<p>The same rows may come as <code>dataframe_split</code>, <code>inputs</code> or <code>instances</code>, as "
        f"in MLflow.</p><script>{_SCRIPT}</script>"
    )


_ACTIONS = {"reject": "refused", "flag": "scored and flagged", "abstain": "answered without a prediction (null)"}


def _guard(guard: InputGuard) -> str:
    """Say what the model's guard does with rows that keep their types."""
    beyond = f"A number beyond the training rows' is {_ACTIONS[guard.out_of_range]}. " if guard.ranges else ""
    return (
        f"<p>What is outside of a column's allowed values is {_ACTIONS[guard.out_of_contract]}. {beyond}"
        f"A level that training never saw is {_ACTIONS[guard.unseen_level]}.</p>"
    )


_ALLOWED = {"boolean": "true, false", "datetime": "a time like 2013-06-01T09:30:00Z", "number": "any number"}
LEVELS_SHOWN = 30


def _row(column: InputColumn, levels: Sequence[str] | None) -> str:
    allowed = _ALLOWED.get(column.type, "any whole number")
    if column.levels is not None:
        allowed = ", ".join(column.levels)
    elif column.type == "category" and levels is None:
        allowed = "any text; one that training never saw is scored as missing"
    elif column.type == "category" and levels is not None:
        more = f" and {len(levels) - LEVELS_SHOWN} more" if len(levels) > LEVELS_SHOWN else ""
        allowed = f"{', '.join(levels[:LEVELS_SHOWN])}{more}; another one is scored as missing"
    elif column.low is not None or column.high is not None:
        allowed = " ".join(
            part
            for part in (
                f"from {column.low:g}" if column.low is not None else "",
                f"to {column.high:g}" if column.high is not None else "",
            )
            if part
        )
    return _cells(column.name, column.type, allowed, "yes" if column.missing > 0 else "no")


def _cells(*texts: str) -> str:
    return "<tr>" + "".join(f"<td>{escape(text)}" for text in texts) + "</tr>"
