"""Durations, numbers and keys as people and programs write them, for the fields of `loadtests.payload`."""

import re
from typing import Annotated, Any

from django.utils.translation import gettext as _
from pydantic import BeforeValidator, Field, WithJsonSchema

_LONGEST_STAGE = 100 * 86_400.0
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PART = r"(\d+(?:\.\d+)?)(h|ms|us|µs|μs|ns|m|s)"
_DURATION = re.compile(rf"(?:{_PART})+")
_NUMBER = re.compile(r"\d+(\.\d+)?")


def seconds(value: Any) -> float:
    """A duration as seconds: a number of them, or k6's text (`30s`, `1h30m`, `500ms`). ValueError with a sentence."""
    if isinstance(value, str):
        text = value.replace(" ", "").lower()
        if text.startswith("-"):
            raise ValueError(_("A duration cannot be negative."))
        if _NUMBER.fullmatch(text):
            found = float(text)
        elif _DURATION.fullmatch(text):
            found = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
        else:
            example = _("“%(text)s” is not a duration. Write seconds, or 30s, 2m, 1h30m.")
            raise ValueError(example % {"text": value[:40]})
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = value
    else:
        raise ValueError(_("Write a duration: seconds, or 30s, 2m, 1h30m."))
    if found < 0:
        raise ValueError(_("A duration cannot be negative."))
    if not found <= _LONGEST_STAGE:
        raise ValueError(_("This duration is too long."))
    return round(float(found), 3)


def duration_text(value: float) -> str:
    """Seconds as a person writes them: `1h30m`, `2m`, `1m30.5s`, `30s`, `500ms`."""
    if 0 < value < 1:
        return f"{round(value * 1000)}ms"
    minutes, left = divmod(round(value, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m")) if count]
    return "".join([*parts, f"{left:g}s" if left or not parts else ""])


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 5.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 86_400},
                {"type": "string", "pattern": f"^({_PART})+$"},
            ],
            "description": "Seconds, or text such as 30s, 2m, 1h30m, 500ms.",
        }
    ),
]
Whole = Annotated[int, BeforeValidator(_whole)]
Key = Annotated[Whole, Field(ge=1, le=2**63 - 1)]
