"""How the product is watched itself: log lines that name their request and run, and Prometheus counters.

Every process counts for itself; Prometheus adds the processes up.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from prometheus_client import Counter, Histogram

_request: ContextVar[str] = ContextVar("request", default="")
_run: ContextVar[str] = ContextVar("run", default="")

PUSHES = Counter("metricvault_pushes_total", "Pushes of k6, by what became of them", ["result"])
PUSH_SECONDS = Histogram("metricvault_push_seconds", "Time to take one push of k6")
MESSAGES = Counter("metricvault_live_messages_total", "Live messages, by what became of them", ["result"])


@contextmanager
def about(*, request: str = "", run: object = "") -> Iterator[None]:
    """Log lines inside say which request and which run they are about; what is left out stays as it is."""
    tokens = []
    if request:
        tokens.append((_request, _request.set(request)))
    if run != "":
        tokens.append((_run, _run.set(str(run))))
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)


class Context(logging.Filter):
    """Adds `request` and `run` to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets everything through."""
        record.request_id = _request.get()
        record.run_id = _run.get()
        return True


class OneLine(logging.Filter):
    """Takes the traceback away, of what strangers can bring about as often as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets everything through."""
        record.exc_info = record.exc_text = None
        return True


class PlainFormatter(logging.Formatter):
    """`time LEVEL logger message run=7 request=ab12`, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it."""
        line = super().format(record)
        marks = [("run", getattr(record, "run_id", "")), ("request", getattr(record, "request_id", ""))]
        known = " ".join(f"{name}={value}" for name, value in marks if value)
        first, separator, rest = line.partition("\n")
        return f"{first} {known}{separator}{rest}" if known else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Keys: time, level, logger, message; run, request and error where there are any."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for key, value in (("run", getattr(record, "run_id", "")), ("request", getattr(record, "request_id", ""))):
            if value:
                line[key] = value
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
