"""Every address that changes something tells the audit of it, or it is decided that it does not."""

import re
from pathlib import Path

import pytest

from loadtests.models import PlanEdit
from projects.models import AuditEntry
from tests.access.audit_table import NOTHING, RECORDED, SHOWN_ELSEWHERE
from tests.access.conftest import Asking
from tests.access.rows import SAFE, Answer, Row, operations, pages, send
from tests.access.world import Persona, World

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"
TABLE = {
    address.strip(): what
    for what, _colon, addresses in (line.partition(": ") for line in RECORDED.strip().splitlines())
    for address in addresses.split(", ")
}
UNRECORDED = {address for addresses in NOTHING.values() for address in addresses.split(", ")}


def named(row: Row) -> str:
    query = row.query if f"{row.method} {row.place}{row.query}" in TABLE else ""
    return f"{row.method} {row.place}{query}"


ROWS = [row for row in (*pages(), *operations()) if row.kind != "live"]
SENT = [row for row in ROWS if named(row) in TABLE and named(row) not in SHOWN_ELSEWHERE]


def test_it_is_decided_for_every_address_that_changes_something() -> None:
    changing = {named(row) for row in ROWS if row.method not in SAFE}
    assert changing - set(TABLE) == UNRECORDED
    assert not UNRECORDED & set(TABLE)
    assert set(TABLE) <= {named(row) for row in ROWS}


def somebody(row: Row, world: World) -> Persona:
    """Who may: the owner, or whoever else."""
    people = [one for one in world.personae.values() if row.is_api or not one.secret]
    may = [one for one in people if row.expected(one) == Answer.OK]
    return min(may, key=lambda one: (bool(one.secret), one.role != "owner"))


@pytest.mark.parametrize("row", SENT, ids=str)
def test_it_is_written_down_for_whoever_may(row: Row, world: World, asking: Asking) -> None:
    last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    persona = somebody(row, world)
    with asking(persona) as client:
        response = send(client, row, row.address(world), row.body(world))
        if response.streaming and not response.is_async:
            b"".join(response.streaming_content)
        response.close()
        found = list(AuditEntry.objects.filter(pk__gt=last))
        edits = PlanEdit.objects.exists()
    told = {f"{one.action} {one.kind}".strip() for one in found} | ({"edits plan"} if edits else set())
    assert told == {TABLE[named(row)]}, f"{persona.name}: {response.status_code}"
    for one in found:
        assert one.actor_name
        assert one.address == "127.0.0.1"
        assert one.request_id


def test_the_document_names_every_kind_of_entry() -> None:
    said = set()
    for kind, actions in re.findall(r"^\| [^|]*`(\w+)` \| ([\w, ]+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE):
        said |= {f"{action.strip().replace(' ', '_')} {kind}" for action in actions.split(",")}
    wanted = {what for what in TABLE.values() if " " in what and what != "edits plan"}
    assert wanted - said == set()
