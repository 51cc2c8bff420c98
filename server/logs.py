"""The server's log: lines for people, or one JSON object a line for programs. The only file that knows structlog.

Modules log through the standard library and give what a program may look for as `extra={...}`: it becomes `key=value`
on a plain line and a member of the object in JSON. A secret is never given.
"""

import logging
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from wire.clock import iso

Format = Literal["plain", "json"]
QUIET = ("alembic", "uvicorn", "apprise", "urllib3", "markdown_it")
"""Libraries whose ordinary lines are nobody's business here; their warnings stay."""

Event = MutableMapping[str, Any]


def configure(log_format: Format, stream: TextIO) -> logging.Handler:
    """Send every log record of this process to a stream; a second call replaces the first.

    Args:
        log_format: plain lines, or one JSON object a line.
        stream: where they go.

    Returns:
        The handler that was installed.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(log_format))
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "coldseal", False)]:
        root.removeHandler(old)
    handler.coldseal = True  # type: ignore[attr-defined]  # a mark of our own, so that a second call knows it
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def formatter(log_format: Format) -> logging.Formatter:
    """How a record becomes text."""
    last: list[Any] = (
        [_plain] if log_format == "plain" else [_tidy, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _add_time,
            structlog.processors.format_exc_info,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _add_time(_logger: object, _method: str, event: Event) -> Event:
    """The record's own time, ISO 8601 in Beijing time."""
    event["time"] = iso(int(event["_record"].created * 1000))
    return event


def _tidy(_logger: object, _method: str, event: Event) -> Event:
    """Time, level, logger and message first, so that a person can read the JSON too."""
    first = {"time": event.pop("time"), "level": event.pop("level"), "logger": event.pop("logger")}
    return {**first, "message": event.pop("event"), **event}


def _plain(_logger: object, _method: str, event: Event) -> str:
    trace = event.pop("exception", None)
    head = f"{event.pop('time')} {event.pop('level').upper()} {event.pop('logger')} {event.pop('event')}"
    said = "".join(f" {key}={_quoted(value)}" for key, value in event.items())
    return f"{head}{said}" if trace is None else f"{head}{said}\n{trace}"


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text
