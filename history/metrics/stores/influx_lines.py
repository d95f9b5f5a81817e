"""Published numbers as InfluxDB's line protocol (docs.influxdata.com, "Line protocol"). Pure.

`metricvault_second`: one point a second and scenario. `metricvault_run_second`: one a second, all scenarios together,
and the virtual users. `metricvault_run`: one a run. docs/influxdb.md lists tags and fields.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from history.metrics.stores.base import Published, Strand

_WHOLE = {"requests", "failures", "total_requests", "failed_requests", "iterations", "dropped", "dropped_iterations"}
_WHOLE |= {"checks_passed", "checks_failed", "sent", "received", "data_sent", "data_received"}
_SECOND = 1_000_000_000  # nanoseconds
_UNSAFE = {ord("\\"): "/", **dict.fromkeys((*range(32), 0x7F, 0x85, 0x2028, 0x2029), " ")}
_ESCAPED = {ord(sign): f"\\{sign}" for sign in ",= "}


def result_lines(shown: Published) -> Iterator[str]:
    """A line for each second of each strand that has a number, then one for the summary."""
    # The origin in whole milliseconds: what is known of it, and the same at each time of asking.
    origin = round(shown.origin * 1000) * 1_000_000
    about = {"project": shown.project, "run": str(shown.run_id), "title": shown.title}
    for strand in shown.strands:
        yield from _seconds(strand, about, origin)
    fields = _fields(shown.summary or {})
    if fields:
        yield f"{_key('metricvault_run', about)} {fields} {origin}"


def _seconds(strand: Strand, about: Mapping[str, str], origin: int) -> Iterator[str]:
    tags = {**about, "scenario": strand.scenario, "name": strand.name, "endpoint": strand.endpoint}
    key = _key("metricvault_second", tags) if strand.scenario else _key("metricvault_run_second", about)
    names = [name for name in strand.columns if name != "t"]
    rows = zip(*(strand.columns[name] for name in names), strict=True)
    for t, row in zip(strand.columns["t"], rows, strict=True):
        fields = _fields(dict(zip(names, row, strict=True)))
        if fields and t is not None:
            yield f"{key} {fields} {origin + int(t) * _SECOND}"


def _key(measurement: str, tags: Mapping[str, str]) -> str:
    """Measurement and tags, which InfluxDB wants sorted; an empty tag is left out."""
    safe = {name: " ".join(value.translate(_UNSAFE).split()) for name, value in sorted(tags.items())}
    return ",".join([measurement, *(f"{name}={value.translate(_ESCAPED)}" for name, value in safe.items() if value)])


def _fields(values: Mapping[str, Any]) -> str:
    """`name=value` of everything measured: whole numbers for counts, text in quotes, else floating point."""
    found = []
    for name, value in values.items():
        if isinstance(value, str):
            text = value.replace("\\", "\\\\").replace('"', '\\"')
            found.append(f'{name}="{text}"')
        elif value is not None and math.isfinite(value):
            found.append(f"{name}={int(value)}i" if name in _WHOLE else f"{name}={float(value)!r}")
    return ",".join(found)
