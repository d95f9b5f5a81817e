"""Stages as one line of text: `2m to 50, hold 10m, 30s to 0`. Pure, but for the language of its errors.

    2m to 50    in a straight line to 50 within 2 minutes
    hold 10m    as much as before, for 10 minutes
    30s at 50   50 at once, for 30 seconds

Text of `at` and `hold` alone is made of levels (`loadtests.k6.plan.LEVEL`), any other of straight lines, where `at` is
a stage of 0 s. Rows and text say the same: `parse(write(rows, level))` gives both back.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from loadtests.fields import duration_text, seconds
from loadtests.k6.plan import StagePlan

LARGEST = 2_000_000_000
_UNIT = r"(?:\s*(?:users?|vus?|(?:req|requests|iterations)?\s*/\s*(?:s|min|h)|rps))?"
_WAYS = (
    re.compile(rf"(?P<duration>\S.*?)\s+(?P<way>to|at)\s+(?P<target>\S+?){_UNIT}"),
    re.compile(r"(?P<way>hold)\s+(?:for\s+)?(?P<duration>\S.*)"),
)


@dataclass(frozen=True, slots=True)
class Stages:
    """`rows` in seconds and users (or iterations per time unit); `level`: held instead of reached at the end."""

    rows: tuple[StagePlan, ...]
    level: bool


def write(rows: Sequence[StagePlan], *, level: bool) -> str:
    """Stages as a person would type them."""
    if level:
        return ", ".join(f"{duration_text(row.duration)} at {row.target}" for row in rows)
    before, parts = 0, []
    for row in rows:
        time = duration_text(row.duration)
        parts.append(f"hold {time}" if row.target == before else f"{time} to {row.target}")
        before = row.target
    return ", ".join(parts)


def parse(text: str) -> Stages:
    """The stages of a text. ValueError with a sentence that names the part which cannot be read."""
    parts = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    if not parts:
        raise ValueError(_("Write stages such as “2m to 50, hold 10m, 30s to 0”."))
    read = list(_read(parts))
    ways = {way for way, _duration, _target in read}
    level = "at" in ways and "to" not in ways
    before, rows = 0, list[StagePlan]()
    for way, duration, target in read:
        level_now = before if way == "hold" else target
        if way == "at" and not level and level_now != before:
            rows.append(StagePlan(0.0, level_now))
        rows.append(StagePlan(duration, level_now))
        before = level_now
    return Stages(tuple(rows), level)


def _read(parts: Sequence[str]) -> Iterator[tuple[str, float, int]]:
    """Way, seconds and target (0 where it holds) of each part."""
    for part in parts:
        found = next(filter(None, (way.fullmatch(part.lower()) for way in _WAYS)), None)
        if found is None:
            message = _("“%(part)s” is no stage. Write “2m to 50”, “30s at 50” or “hold 10m”.")
            raise ValueError(message % {"part": part[:40]})
        words = found.groupdict()
        try:
            duration = seconds(words["duration"])
        except ValueError as error:
            raise ValueError(_("In “%(part)s”: %(problem)s") % {"part": part[:40], "problem": error}) from None
        yield words["way"], duration, _whole(words.get("target") or "0", part)


def _whole(text: str, part: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > LARGEST:
        message = _("In “%(part)s”: “%(text)s” is not a whole number from 0 up.")
        raise ValueError(message % {"part": part[:40], "text": text[:40]})
    return int(text)
