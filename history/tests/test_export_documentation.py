"""docs/exports.md names every table, column, chart and field, and no other table's."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from history.exports import charts, document
from history.exports.tables import TABLES
from history.tests.finished_runs import finished

TEXT = Path(settings.BASE_DIR, "docs/exports.md").read_text(encoding="utf-8")


def section(begin: str, end: str) -> list[str]:
    return re.findall(r"`([^`]+)`", TEXT.partition(begin)[2].partition(end)[0])


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_of_a_table_are_named_in_their_order(name: str) -> None:
    names = section(f"**{name}**:", "\n**" if name != "failures" else "\n## ")
    documented = [one for one in names if one in TABLES[name].head]
    first = (
        documented.index("run") if documented.count("run") == 1 else len(documented) - documented[::-1].index("run") - 1
    )
    assert documented[first:] == TABLES[name].head


def test_every_chart_is_named() -> None:
    assert section("## Charts", "\n\n## ")[: len(charts.TITLES)] == list(charts.TITLES)


@pytest.mark.django_db
def test_every_field_of_the_document_is_named(alice: User) -> None:
    found = json.loads(b"".join(document.pieces(finished(alice))))
    assert set(found) <= set(section("## Document", "\n## "))
