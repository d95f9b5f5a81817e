"""What the OpenAPI document shows beside each operation: what `bench.record_examples` asked a copy, and its answers."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("api_examples.json")


@cache
def examples() -> dict[str, Any]:
    """By "METHOD /path/{template}": `status`, `request` and `response` by content type."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def show_example(name: str, operation: dict[str, Any]) -> None:
    """Puts the example of the operation `name` beside its schemas. What the code itself gives as one stays."""
    example = examples().get(name)
    if example is None:
        return
    answer = operation["responses"].get(example["status"], {})
    for kind, value in example.get("request", {}).items():
        content = operation.get("requestBody", {}).get("content", {})
        content.setdefault(kind, {}).setdefault("example", value)
    for kind, value in example.get("response", {}).items():
        answer.setdefault("content", {}).setdefault(kind, {}).setdefault("example", value)
