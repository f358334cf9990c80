"""The console: what a person reads in the terminal while a job runs - verdicts and reasons, no engine noise.

A failure that was explained is told in its own words; anything else keeps its stack trace.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import dagster as dg

EXPLAINED = "Failure"
CONFIG = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", None) or {}
        step = meta.get("step_key") or meta.get("job_name") or ""
        at = self.formatTime(record, "%H:%M:%S")
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname} "
        return f"{at} {mark}{step}: {_said(record, meta)}" if step else f"{at} {mark}{_said(record, meta)}"


def _said(record: logging.LogRecord, meta: dict[str, Any]) -> str:
    event = meta.get("dagster_event")
    if event is None:
        return str(meta.get("orig_message") or record.getMessage())
    if event.is_step_failure and _explained(event.step_failure_data.error):
        return f"failed\n{event.step_failure_data.user_failure_data.description}"
    if event.is_run_failure and _explained(event.job_failure_data.error):
        return f"the run failed. {event.job_failure_data.error.message.splitlines()[0].partition('Failure: ')[2]}"
    return record.getMessage()


def _explained(error: Any) -> bool:  # noqa: ANN401  (Dagster doesn't export its type)
    return error is not None and error.cls_name == EXPLAINED


@dg.logger(
    config_schema={
        "log_level": dg.Field(str, default_value="INFO"),
        "name": dg.Field(str, default_value="ml_platform"),
    },
    description="Verdicts and reasons, without the engine's own messages.",
)
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that writes to standard error what people want to know."""
    level = context.logger_config["log_level"].upper()
    logger = logging.Logger(context.logger_config["name"], level=level)  # noqa: LOG001  (one per run, as Dagster's own)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logger.addHandler(handler)
    return logger
