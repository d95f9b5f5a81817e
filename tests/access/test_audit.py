"""Every address that changes something tells the audit of it (test_matrix.py), or it is decided that it does not."""

import re
from pathlib import Path

from tests.access.audit_table import NOTHING, TABLE, named
from tests.access.rows import SAFE, operations, pages

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"
UNRECORDED = {address for addresses in NOTHING.values() for address in addresses.split(", ")}
ROWS = [row for row in (*pages(), *operations()) if row.kind != "live"]


def test_it_is_decided_for_every_address_that_changes_something() -> None:
    changing = {named(row) for row in ROWS if row.method not in SAFE}
    assert changing - set(TABLE) == UNRECORDED
    assert not UNRECORDED & set(TABLE)
    assert set(TABLE) <= {named(row) for row in ROWS}


def test_the_document_names_every_kind_of_entry() -> None:
    said = set()
    for kind, actions in re.findall(r"^\| [^|]*`(\w+)` \| ([\w, ]+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE):
        said |= {f"{action.strip().replace(' ', '_')} {kind}" for action in actions.split(",")}
    wanted = {what for what in TABLE.values() if " " in what and what != "edits plan"}
    assert wanted - said == set()
