"""docs/live-events.md and history/live/events.py name the same messages and fields."""

import re
from pathlib import Path

import pytest

from history.live import events

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "live-events.md"


@pytest.mark.parametrize("name", ["LiveMessage", "ScenarioNumbers", "Totals"])
def test_every_field_of_a_message_is_documented(name: str) -> None:
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {name}\n")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(documented) == sorted(getattr(events, name).__annotations__)


def test_every_documented_message_exists() -> None:
    headings = re.findall(r"^## (\w+)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["LiveMessage", "ScenarioNumbers", "Totals"]
