"""What an endpoint still lacks before a request can be made of it."""

from collections.abc import Iterable, Mapping
from typing import Any


def missing_values(parameters: Iterable[Mapping[str, Any]], request_body: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of required parameters without a value, and "body" for a required body without one.

    Takes the normal form of `projects.openapi.parameters` and `projects.openapi.bodies`.
    """
    names = [str(entry["name"]) for entry in parameters if entry["required"] and entry["value"] is None]
    if request_body is not None and request_body["required"]:
        content = request_body["content"]
        if not content or content[0]["source"] == "none":
            names.append("body")
    return tuple(names)


def is_absolute(url: str) -> bool:
    """Whether a request can be sent to a base URL as it is."""
    return url.startswith(("http://", "https://"))
