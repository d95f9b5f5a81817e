"""Every number comes from one place: forty numbers of a recorded run, in the page, the tables, the document, the
report, JUnit, the API and the admin. And a run that is small enough to be worked out by hand."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import RequestKey, Snapshot
from history.metrics.stores import open_store
from history.models import TestHistory
from history.recording import record
from history.replay import create_run
from history.states import Status
from history.templatetags import numbers
from history.tests.finished_runs import finished
from history.tests.sample_runs import plan_of, project_of, scenario_of

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Part:
    """A part of the run and where each place shows it. `page`, `report`: (section, how its row begins, without blanks);
    of totals the row depends on the number. `csv`: columns that tell its row. `json`, `api`: the way to it. `junit`:
    what is before a number's name. `admin`: (model, key)."""

    find: Callable[[TestHistory], Any]
    page: tuple[str, str]
    report: tuple[str, str]
    csv: dict[str, str]
    json: tuple[Any, ...]
    api: tuple[Any, ...]
    junit: tuple[str, str]


STEP = {"part": "step", "scenario_tag": "s01_journey", "position": "1"}
STAGE = {"part": "stage", "scenario_tag": "s01_journey", "position": "0"}
PARTS = {
    "run": Part(lambda run: run, ("totals", ""), ("totals", ""), {"part": "run"}, ("run",), (), ("", "")),
    "phase": Part(
        lambda run: run.phases.get(scenario=None, kind="steady"),
        ("stages", "Steady"),
        ("phases", "Steady"),
        {"part": "phase", "kind": "steady", "scenario_tag": ""},
        ("phases", 0),
        ("phases", 0),
        ("", "steady "),
    ),
    "scenario": Part(
        lambda run: run.scenarios.get(scenario_tag="s02_report"),
        ("scenarios", "GET/reports/sales"),
        ("endpoints", "GET/reports/sales"),
        {"part": "scenario", "scenario_tag": "s02_report"},
        ("scenarios", 1),
        ("scenarios", 1),
        ("GET /reports/sales", ""),
    ),
    "stage": Part(
        lambda run: run.scenarios.get(scenario_tag="s01_journey").stages.get(position=0),
        ("stages", "Hold3VUs"),
        ("stages", "Hold3VUs"),
        STAGE,
        ("scenarios", 0, "stages", 0),
        ("scenarios", 0, "stages", 0),
        ("Journey", "stage 1 "),
    ),
    "step": Part(
        lambda run: run.scenarios.get(scenario_tag="s01_journey").steps.get(position=1),
        ("steps", "2POST/orders"),
        ("endpoints", "2.POST/orders"),
        STEP,
        ("scenarios", 0, "steps", 1),
        ("scenarios", 0, "steps", 1),
        ("Journey", "step 2 "),
    ),
}
OF_RUN = "avg_tps min_tps max_tps avg_response_time min_response_time max_response_time p50_response_time"
OF_RUN += " p90_response_time p95_response_time p99_response_time avg_error_rate min_error_rate max_error_rate max_vus"
OF_PART = "total_requests avg_tps p50_response_time p95_response_time p99_response_time avg_error_rate"
NAMED = [
    *(("run", name) for name in OF_RUN.split()),
    *(("phase", name) for name in f"{OF_PART} failed_requests max_response_time".split()),
    *(("scenario", name) for name in OF_PART.split()),
    *(("stage", name) for name in OF_PART.split()),
    *(("step", name) for name in OF_PART.split()),
]
# Number → row and column of the table of totals; column of the other tables.
TOTALS = {"tps": "Throughput", "response_time": "Responsetime", "error_rate": "Errorrate", "vus": "Virtualusers"}
TOTAL = {"avg": "Average", "min": "Lowest", "max": "Highest"}
COLUMN = {
    "total_requests": "Requests",
    "failed_requests": "Failed",
    "avg_tps": "req/s",
    "avg_error_rate": "Errors",
    "max_response_time": "Longest",
}


class Tables(HTMLParser):
    """The tables of a page, texts without blanks: id of the section, head, and cells of each row. A row of one cell
    names the rows under it; those are found where no row above is like them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, list[str], list[str]]] = []
        self.section, self.head, self.row = "", [], []  # type: str, list[str], list[str]
        self.cell: list[str] | None = None
        self.in_head = self.grouped = False
        self.under: list[int] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self.section = dict(attrs).get("id") or ""
        elif tag == "thead":
            self.in_head, self.grouped = True, False
        elif tag == "tr":
            self.row = []
        elif tag in ("th", "td"):
            self.cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td") and self.cell is not None:
            self.row.append("".join("".join(self.cell).split()))
            self.cell = None
        elif tag == "thead":
            self.in_head = False
        elif tag == "tr" and self.in_head:
            self.head = self.row
        elif tag == "tr" and len(self.row) == 1:
            self.grouped = True
        elif tag == "tr":
            self.rows.append((self.section, self.head, self.row))
            self.under += [len(self.rows) - 1] if self.grouped else []

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def text(self, section: str, begins: str, column: str) -> str:
        """The text of the one cell that is looked for."""
        found = {
            at: row[head.index(column)]
            for at, (where, head, row) in enumerate(self.rows)
            if where == section and row and row[0].startswith(begins) and column in head and len(row) == len(head)
        }
        found = {at: text for at, text in found.items() if len(found) == 1 or at not in self.under}
        assert len(found) == 1, (section, begins, column, found)
        return next(iter(found.values()))


class Admin(HTMLParser):
    """The fields of a change page that are shown only, by name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.name, self.is_value = "", False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        self.name = next((one[6:] for one in classes if one.startswith("field-")), self.name)
        self.is_value = "readonly" in classes

    def handle_data(self, data: str) -> None:
        if self.is_value:
            self.fields[self.name] = data.strip()
            self.is_value = False


@dataclass(frozen=True)
class Places:
    """The recorded run in every place."""

    run: TestHistory
    page: Tables
    report: Tables
    table: list[dict[str, str]]
    document: dict[str, Any]
    details: dict[str, Any]
    junit: ElementTree.Element
    admin: dict[str, dict[str, str]]


@pytest.fixture
def places(client: Client, alice: User, administrator: User) -> Places:
    run = finished(alice)
    client.force_login(alice)

    def text(path: str) -> str:
        answer = client.get(path)
        assert answer.status_code == 200, path
        return b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()

    table = list(csv.DictReader(io.StringIO(text(f"/runs/{run.pk}/export.csv").removeprefix("\ufeff"), newline="")))
    document = json.loads(text(f"/test-history/{run.pk}/export.json"))
    junit = ElementTree.fromstring(text(f"/test-history/{run.pk}/junit.xml"))
    page, report = (Tables(text(path)) for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/report.html"))
    details = json.loads(text(f"/test-history/{run.pk}/details"))
    client.force_login(administrator)
    admin = {}
    for name, part in PARTS.items():
        row = part.find(run)
        admin[name] = Admin(text(f"/admin/history/{row._meta.model_name}/{row.pk}/change/")).fields
    return Places(run, page, report, table, document, details, junit, admin)


def test_they_are_forty_different_numbers_that_were_measured(alice: User) -> None:
    run = finished(alice)
    values = {(part, name): getattr(PARTS[part].find(run), name) for part, name in NAMED}
    assert len(values) == len(NAMED) == 40
    assert None not in values.values()
    assert len(set(values.values())) > 30  # a place that took one for another would be found


def test_each_of_them_is_the_same_everywhere(places: Places) -> None:
    """Where people read, as the one formatter writes it; where programs read, to the last digit."""
    for part_name, name in NAMED:
        part = PARTS[part_name]
        value = getattr(part.find(places.run), name)
        shown = as_shown(name, value)
        for where, (section, begins) in ((places.page, part.page), (places.report, part.report)):
            row, column = (begins, column_of(name)) if begins else in_totals(name)
            assert where.text(section, row, column).removesuffix("req/s") == shown, (part_name, name)
        assert exact(in_table(places.table, part), name) == value
        assert along(places.document, part.json)[name] == value
        assert along(places.details, part.api)[name] == value
        assert in_junit(places.junit, part, name) == value
        assert float(places.admin[part_name][name].replace(",", "")) == value


def as_shown(name: str, value: float) -> str:
    by_kind = {"tps": numbers.rate, "vus": numbers.rate, "response_time": numbers.ms, "error_rate": numbers.percent}
    form = next((form for kind, form in by_kind.items() if name.endswith(kind)), numbers.count)
    return "".join(form(value).split())


def column_of(name: str) -> str:
    return COLUMN.get(name) or name.partition("_")[0]


def in_totals(name: str) -> tuple[str, str]:
    first, _, kind = name.partition("_")
    return TOTALS[kind], TOTAL.get(first, first)


def in_table(table: list[dict[str, str]], part: Part) -> dict[str, str]:
    (row,) = (row for row in table if part.csv.items() <= row.items())
    return row


def exact(row: dict[str, str], name: str) -> float:
    (found,) = (value for head, value in row.items() if head in (name, f"{name}_ms", f"{name}_percent"))
    return float(found)


def along(found: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        found = found[key]
    return found


def in_junit(root: ElementTree.Element, part: Part, name: str) -> float:
    group, before = part.junit
    if not group:
        (found,) = (one for one in root.iter("property") if one.get("name") == f"{before}{name}")
        return float(found.get("value") or "")
    lines = [
        line
        for case in root.iter("testcase")
        if case.get("classname") == group
        for line in (case.findtext("system-out") or "").splitlines()
    ]
    (line,) = (line for line in lines if line.startswith(f"{before}{name}: "))
    return float(line.partition(": ")[2])


def test_a_small_run_worked_out_by_hand(alice: User) -> None:
    """Four pushes of one scenario: after 1 s 10 requests, after 2 s 30, after 3 s 60, after 4 s 100. Each took 100 ms;
    one in ten of those of each second failed."""
    scenario = scenario_of("s01", "constant-vus", ((4, 5),))
    run = create_run(plan_of(scenario), project_of(alice), Status.COLLECTING)
    open_store().write(run.pk, [_push(1, 10), _push(2, 30), _push(3, 60), _push(4, 100)])
    record(run, [])
    row = TestHistory.objects.get(pk=run.pk)
    seconds = run.timelines.get(scenario=None).columns
    assert seconds["requests"] == [10, 20, 30, 40]  # 10, 30 - 10, 60 - 30, 100 - 60
    assert seconds["failures"] == [1, 2, 3, 4]
    assert row.total_requests == 100  # 10 + 20 + 30 + 40
    assert row.failed_requests == 10  # 1 + 2 + 3 + 4
    assert row.test_duration == 4.0
    assert row.avg_tps == 25.0  # 100 / 4
    assert (row.min_tps, row.max_tps) == (10.0, 40.0)
    assert row.avg_error_rate == 10.0  # 100 * 10 / 100
    assert row.avg_response_time == pytest.approx(100.0)  # 100 * 100 ms / 100
    # All are in the bucket from 2 ** (-27 / 8) s = 96.4 ms to 2 ** (-26 / 8) s = 105.1 ms; within it the share counts.
    assert row.p50_response_time == pytest.approx(1000 * 2 ** ((-27 + 0.50) / 8), rel=0.001)  # 100.7 ms
    assert row.p90_response_time == pytest.approx(1000 * 2 ** ((-27 + 0.90) / 8), rel=0.001)  # 104.2 ms
    assert row.p95_response_time == pytest.approx(1000 * 2 ** ((-27 + 0.95) / 8), rel=0.001)  # 104.7 ms
    assert row.p99_response_time == pytest.approx(1000 * 2 ** ((-27 + 0.99) / 8), rel=0.001)  # 105.0 ms
    stage, phase = run.scenarios.get().stages.get(), run.phases.get(scenario=None)
    assert (stage.total_requests, stage.failed_requests, stage.avg_tps) == (100, 10, 25.0)
    assert (phase.kind, phase.total_requests, phase.failed_requests) == ("steady", 100, 10)


def _push(at: int, total: int) -> Snapshot:
    """What k6 counted until `at` seconds: nine of ten were answered with 200, the others with 500."""
    ok, failed = (
        RequestKey("s01", "GET /products", "200", "", True),
        RequestKey("s01", "GET /products", "500", "1500", False),
    )
    counts = {ok: total * 9 // 10, failed: total // 10}
    spreads = {key: Histogram(n, 100.0 * n, 0, {-26: n}) for key, n in counts.items()}
    return Snapshot("1", 1_000_000.0 + at, spreads, started=1_000_000.0)
