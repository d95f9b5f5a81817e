"""Files that people take away: no cell of a table is a formula, no name leads anywhere or begins another header."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from django.http import HttpResponseBase
from django.test import Client

from history.exports import names as export_names
from history.exports.tables import TABLES
from history.models import TestHistory
from loadtests import builder_views, plan_file_views
from loadtests.models import Plan
from metricvault.lib import cells
from tests.access.world import World
from tests.attacks.poison import poison

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
FORMULAS = ('=HYPERLINK("http://evil.example","x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1+1", "＝1", " =1")
LEADS = re.compile(r"[\s\x00]*[=+\-@＝＋－＠]")


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.people["administrator"])
    return client


def content(response: HttpResponseBase) -> bytes:
    assert response.status_code == 200, response
    found = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    return found


def tables(client: Client, world: World) -> Iterator[tuple[str, str]]:
    """Each table that can be taken away."""
    run = world.keys["run"]
    for part in TABLES:
        yield part, content(client.get(f"/runs/{run}/export.csv?part={part}")).decode("utf-8-sig")
    with zipfile.ZipFile(io.BytesIO(content(client.get(f"/test-history/{run}/export.zip")))) as archive:
        for name in archive.namelist():
            if name.endswith(".csv"):
                yield name, archive.read(name).decode("utf-8-sig")
    yield "audit", content(client.get("/audit/audit.csv")).decode("utf-8-sig")
    yield "audit of the project", content(client.get("/audit/export.csv")).decode("utf-8-sig")


def formulas(text: str) -> list[str]:
    """The cells that a spreadsheet would work out; numbers are none."""
    found = [cell for row in csv.reader(io.StringIO(text)) for cell in row if LEADS.match(cell)]
    return [cell for cell in found if not re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell)]


@pytest.mark.parametrize("guarded", [True, False])
def test_no_cell_is_a_formula(client: Client, world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    poison(lambda number: FORMULAS[number % len(FORMULAS)], first=True)
    client.patch(f"/project/{world.keys['project']}", {"title": "=1+1"}, content_type="application/json")
    if not guarded:
        monkeypatch.setattr(cells, "_FORMULA", ("never",))
    found = {name: formulas(text) for name, text in tables(client, world)}
    worked_out = {name for name, some in found.items() if some}
    assert worked_out == (set() if guarded else set(found))


NAMES = (
    '"\r\nSet-Cookie: stolen=1\r\n\r\n<b>',
    "../../../etc/passwd",
    "..\\..\\evil.exe",
    "결과 보고서",
    "a;b=c%00\x7f",
)
FILES = ("/runs/{run}/export.csv", "/runs/{run}/junit.xml",
         "/runs/{run}/report.html?download", "/runs/{run}/chart/throughput.svg?download", "/runs/{run}/script",
         "/runs/{run}/k6-report/1/?download", "/tests/{plan}/script?download", "/tests/{plan}/script?zip",
         "/tests/{plan}/file")  # fmt: skip
PLAIN = re.compile(r'(attachment|inline); filename="[\w.-]+"(; filename\*=UTF-8\'\'[\w.%-]+)?', re.ASCII)


NAMED = ("/runs/{run}/export.csv", "/tests/{plan}/script?download", "/tests/{plan}/file")  # of each way to a name one


def names(
    client: Client, world: World, title: str, files: tuple[str, ...] = FILES
) -> Iterator[tuple[str, HttpResponseBase]]:
    Plan.objects.update(title=title)
    TestHistory.objects.update(title=title)
    for address in files:
        response = client.get(world.fill(address))
        yield address, response
        response.close()


def test_the_name_of_a_file_is_a_plain_one(client: Client, world: World) -> None:
    for title, files in (("".join(NAMES), FILES), *((name, NAMED) for name in NAMES)):
        for address, response in names(client, world, title, files):
            assert response.status_code == 200, (address, response.status_code)
            assert PLAIN.fullmatch(response.headers.get("Content-Disposition", "")), (address, title, response.headers)
            assert "stolen" not in str(response.cookies)


def test_without_its_guard_a_title_leads_somewhere(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (builder_views, plan_file_views, export_names):
        monkeypatch.setattr(module, "slugify", lambda text, allow_unicode=False: text)
    led = [address for address, response in names(client, world, "../../../etc/passwd")
           if "../../etc/passwd" in response.headers["Content-Disposition"]]  # fmt: skip
    assert len(led) >= 4
    Plan.objects.update(title=NAMES[0])
    client.raise_request_exception = False
    broken = client.get(f"/tests/{world.keys['plan']}/file")
    assert broken.status_code == 500  # Django itself sends no header of two lines
