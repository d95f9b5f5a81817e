"""The first failing requests of a run as its pages show them, by step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from history import error_kinds
from history.models import FailedRequest, TestHistory


class FailingRequest:
    """A failing request with what was sent and answered; secrets were masked before it was kept."""

    def __init__(self, row: FailedRequest) -> None:
        self.pk, self.t, self.error, self.checks = row.pk, row.t, row.error, row.checks
        self.words = error_kinds.words(row.kind)
        sent: dict[str, Any] = row.request or {}
        got: dict[str, Any] = row.response or {}
        self.answered = bool(got)
        self.method, self.url = sent.get("method", ""), sent.get("url", "")
        self.sent_headers, self.sent_body = list(_headers(sent)), sent.get("body") or ""
        self.took: float | None = got.get("duration")
        self.unread = bool(got) and got.get("body") is None
        self.status, self.status_text = got.get("status", ""), got.get("status_text") or ""
        self.got_headers, self.got_body = list(_headers(got)), got.get("body") or ""
        self.shown = str(self.status) if row.kind == error_kinds.CHECK else error_kinds.shown(row.kind)


def _headers(side: dict[str, Any]) -> Iterator[tuple[str, str]]:
    headers = side.get("headers")
    yield from sorted((str(name), str(value)) for name, value in headers.items()) if isinstance(headers, dict) else ()


@dataclass(slots=True)
class FailingStep:
    """The failing requests of one step."""

    tag: str
    request_name: str
    title: str
    requests: list[FailingRequest] = field(default_factory=list)


def failing(run: TestHistory) -> dict[str, Any]:
    """`failing`: by step in the order of the plan; `failing_count`: how many requests they are."""
    rows = list(run.failures.select_related("step__scenario"))
    rows.sort(key=lambda row: (row.step.scenario.position, row.step.position, row.t or 0.0, row.pk))
    steps: dict[int, FailingStep] = {}
    for row in rows:
        step = row.step
        title = step.name if step.name != step.request_name else ""
        found = steps.setdefault(step.pk, FailingStep(step.scenario.scenario_tag, step.request_name, title))
        found.requests.append(FailingRequest(row))
    return {"failing": list(steps.values()), "failing_count": len(rows)}
