"""Controls of the builder's form, each with what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """A control with its note. `id` is unique on the page, `name` is what `editing` reads."""

    id: str
    name: str
    label: str
    value: str = ""
    problem: str = ""
    hint: str = ""
    unit: str = ""
    placeholder: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    kind: str = "text"  # or "select", "radios", "area", "check"; choices of a text are proposals
    warning: bool = False
    fills: bool = False  # takes {{placeholders}}
    rows: int = 9  # of an area


class Notes:
    """Makes fields and puts at each what was typed and not understood, its problem, or its warning.

    `problems` and `warnings` by the path of the API's field (`stages.1.duration`), `drafts` by the name of the control.
    """

    def __init__(self, problems: Mapping[str, str], warnings: Mapping[str, str], drafts: Mapping[str, str]) -> None:
        self._problems = dict(problems)
        self._warnings = warnings
        self._drafts = drafts

    def field(self, name: str, label: str, value: Any, at: str = "", **more: Any) -> Field:
        """The control `name`; `at` is its path in the API where that is another one."""
        at = at or name
        key = more.pop("id", "f-" + name.replace(".", "-").replace("_", "-"))
        note: dict[str, Any] = {"problem": self._problems.pop(at, "")}
        if not note["problem"] and at in self._warnings:
            note = {"hint": self._warnings[at], "warning": True}
        return Field(key, name, label, str(self._drafts.get(name, plain_text(value))), **{**more, **note})

    def left(self) -> tuple[str, ...]:
        """The problems that no field has taken."""
        return tuple(self._problems.values())

    def take(self, start: str) -> tuple[str, ...]:
        """The problems below a path that no field has taken; they are not `left` any more."""
        found = [path for path in self._problems if path.startswith(start)]
        return tuple(self._problems.pop(path) for path in found)


def plain_text(value: Any) -> str:
    """A value as it stands in a control: "" for nothing, numbers without an exponent or a tail of zeros."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)
