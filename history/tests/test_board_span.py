"""A span of a run that is chosen on its page: every tile and table follows, and the address names it."""

import re

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client

from history.board_span import Chosen, chosen
from history.models import TestHistory
from history.recording import record
from history.spans import span as span_of
from history.states import Status, move
from history.templatetags import numbers
from history.tests.recorded_history import recorded_rows
from history.tests.sample_runs import plan_of, project_of, run_of, scenario_of
from tests.recorded import recorded_steps

pytestmark = pytest.mark.django_db
BROWSER = {"accept": "text/html"}
HTMX = {**BROWSER, "HX-Request": "true"}


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def run(alice: User) -> TestHistory:
    found = recorded_rows(alice, recorded=recorded_steps())
    recorded = record(found, recorded_steps().summaries)
    move(found, Status.COMPLETED, outcome=recorded.outcome, reasons=recorded.reasons)
    return found


def span_html(page: Client, run: TestHistory, query: str) -> str:
    answer = page.get(f"/runs/{run.pk}/span/{query}", headers=HTMX)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def bars(html: str) -> int:
    return sum(int(count.replace(",", "")) for count in re.findall(r'<td class="num" data-bar>([\d,]+)</td>', html))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2&to=5", Chosen(2, 5)),
        ("from=2.7&to=4.2", Chosen(2, 5)),
        ("from=-3&to=5", Chosen(0, 5)),
        ("from=5&to=5", None),
        ("from=9&to=5", None),
        ("from=x&to=5", None),
        ("from=nan&to=5", None),
        ("from=0&to=inf", None),
        ("from=0&to=1e300", None),
        ("from=2", None),
        ("", None),
    ],
)
def test_an_address_names_whole_seconds_or_no_span(query: str, found: Chosen | None) -> None:
    assert chosen(QueryDict(query)) == found


def test_tiles_and_tables_show_the_span_alone(page: Client, run: TestHistory) -> None:
    html = span_html(page, run, "?from=1&to=4")
    found = span_of(run, 1, 4)
    assert found is not None
    counted = numbers.count(found.whole.numbers.requests)
    assert 0 < found.whole.numbers.requests < (run.total_requests or 0)
    assert f'data-value="total_requests">{counted}<' in html
    assert "00:01–00:04" in html
    assert 'id="tiles" data-tiles hx-swap-oob="true"' in html
    for part in found.scenarios.values():
        assert f">{numbers.count(part.numbers.requests)}<" in html
    assert bars(html) == found.whole.numbers.requests


def test_two_spans_side_by_side_hold_each_request_once(page: Client, run: TestHistory) -> None:
    counts = [bars(span_html(page, run, f"?from={start}&to={end}")) for start, end in ((0, 3), (3, 99))]
    assert sum(counts) == run.total_requests


def test_the_page_gets_the_address_of_its_span(page: Client, run: TestHistory) -> None:
    assert page.get(f"/runs/{run.pk}/span/?from=1&to=4", headers=HTMX).headers["HX-Push-Url"] == (
        f"/runs/{run.pk}/?from=1&to=4"
    )
    assert page.get(f"/runs/{run.pk}/span/", headers=HTMX).headers["HX-Push-Url"] == f"/runs/{run.pk}/"


def test_a_shared_address_shows_its_span_at_once(page: Client, run: TestHistory) -> None:
    html = page.get(f"/runs/{run.pk}/?from=1&to=4", headers=BROWSER).content.decode()
    assert "data-span-note" in html
    assert 'data-from="1" data-to="4"' in html
    redirected = page.get(f"/runs/{run.pk}/span/?from=1&to=4", headers=BROWSER)
    assert redirected.headers["Location"] == f"/runs/{run.pk}/?from=1&to=4"


def test_show_all_goes_back_to_the_recorded_numbers(page: Client, run: TestHistory) -> None:
    html = span_html(page, run, "")
    assert "data-span-note" not in html
    assert f'data-value="total_requests">{numbers.count(run.total_requests)}<' in html
    assert bars(html) == run.total_requests


def test_a_run_without_minutes_says_so_and_shows_the_whole(page: Client, alice: User) -> None:
    html = span_html(page, run_of(project_of(alice)), "?from=1&to=4")
    assert "The minutes of this run are not kept" in html
    assert 'data-value="total_requests">9,078<' in html


def test_the_span_of_a_run_that_lasts_is_what_is_there(page: Client, alice: User) -> None:
    running = recorded_rows(alice, Status.RUNNING, recorded=recorded_steps())
    TestHistory.objects.filter(pk=running.pk).update(live_second=4)
    html = span_html(page, running, "?from=1&to=99")
    assert "00:01–00:04" in html
    assert "data-live=" not in html
    assert "data-live=" in span_html(page, running, "")  # back to the stream


def test_the_numbers_of_the_charts_are_a_table_too(page: Client, run: TestHistory) -> None:
    answer = page.get(f"/runs/{run.pk}/seconds/?from=1&to=4", headers=HTMX).content.decode()
    assert answer.count("<tr>") == 4  # the head and three seconds
    assert '<th scope="row">00:01</th>' in answer
    for row in (answer, page.get(f"/runs/{run.pk}/seconds/", headers=HTMX).content.decode()):
        assert '<th scope="col" class="num">p90</th>' in row


def test_phases_and_stages_show_every_metric(page: Client, run: TestHistory) -> None:
    html = page.get(f"/runs/{run.pk}/", headers=BROWSER).content.decode()
    table = html.split('id="stages"')[1].split("</section>")[0]
    for head in ("Requests", "Failed", "p90", "Shortest", "Longest", "Iterations", "Checks failed", "Received", "Sent"):
        assert f">{head}</th>" in table
    phases = [phase for phase in run.phases.all() if phase.scenario_id is None]
    assert phases
    for phase in phases:
        assert f'<tr data-kind="{phase.kind}">' in table
        assert f">{numbers.count(phase.total_requests)}<" in table
    stage = run.scenarios.all()[0].stages.all()[0]
    assert f'data-from="0.0" data-to="{stage.duration}"' in table


def test_stages_of_many_endpoints_come_when_they_are_asked_for(page: Client, alice: User) -> None:
    many = run_of(project_of(alice), plan_snapshot=plan_of(*(scenario_of(f"s{n:02}") for n in range(5))))
    html = page.get(f"/runs/{many.pk}/", headers=BROWSER).content.decode()
    assert f'hx-get="/runs/{many.pk}/stages/"' in html
    assert "data-parts=" not in html
    part = page.get(f"/runs/{many.pk}/stages/", headers=HTMX).content.decode()
    assert part.count("data-parts=") == 5


def test_charts_get_the_whole_run_and_sparklines_in_as_many_points_as_there_are_pixels(
    page: Client, run: TestHistory
) -> None:
    found = page.get(f"/runs/{run.pk}/series/").json()
    assert sum(found["requests"]) == run.total_requests
    assert [one["tag"] for one in found["scenarios"]] == [one.scenario_tag for one in run.scenarios.all()]
    assert all(len(one["t"]) == len(one["p95"]) <= 96 for one in found["scenarios"])
    assert any(value for one in found["scenarios"] for value in one["p95"])
    part = page.get(f"/runs/{run.pk}/series/?from=1&to=4").json()
    assert (part["t"], part["scenarios"]) == ([1, 2, 3], [])


def test_a_stranger_learns_nothing_of_a_span(client: Client, run: TestHistory, charlie: User) -> None:
    client.force_login(charlie)
    for path in ("span/?from=1&to=2", "seconds/", "series/", "stages/", "failures/"):
        assert client.get(f"/runs/{run.pk}/{path}", headers=HTMX).status_code == 404
