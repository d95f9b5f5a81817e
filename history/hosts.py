"""Where the load of a run goes."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit


def hosts(plan: Mapping[str, Any]) -> str:
    """The hosts of a plan snapshot, as planned. An address begins with its host, whatever is filled in later."""
    found = {urlsplit(url if isinstance(url, str) else _beginning(url)).netloc for url in _urls(plan)}
    return ", ".join(sorted(host for host in found if host))


def _urls(plan: Mapping[str, Any]) -> Iterator[Any]:
    for scenario in plan.get("scenarios", []):
        for step in scenario.get("steps") or [scenario]:  # before there were steps a scenario had one request
            yield step.get("request", {}).get("url", "")


def _beginning(parts: list[Any]) -> str:
    return parts[0] if parts and isinstance(parts[0], str) else ""
