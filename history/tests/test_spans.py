"""Any span of a run is counted again from its seconds: sums are exact, whichever way a run is cut."""

import itertools

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history import blocks
from history.heatmap import heatmap
from history.models import BlockHistory, TestHistory
from history.recording import record
from history.spans import Span, span
from history.states import Status
from history.tests.recorded_history import recorded_rows
from tests.recorded import recorded_run, recorded_steps

pytestmark = pytest.mark.django_db


def finished(run: TestHistory, recorded: object = None) -> TestHistory:
    """The run with its result."""
    record(run, (recorded or recorded_run()).summaries)  # type: ignore[attr-defined]
    TestHistory.objects.filter(pk=run.pk).update(status=Status.COMPLETED)
    run.refresh_from_db()
    return run


@pytest.fixture(params=["finished", "active"])
def run(request: pytest.FixtureRequest, alice: User) -> TestHistory:
    """A run that is over, from the minutes it keeps; and one that lasts, all of whose seconds were sent live."""
    if request.param == "finished":
        return finished(recorded_rows(alice))
    run = recorded_rows(alice, Status.RUNNING)
    TestHistory.objects.filter(pk=run.pk).update(live_second=10)
    run.refresh_from_db()
    return run


@pytest.fixture
def minutes_of_three_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the run of ten seconds has several blocks."""
    monkeypatch.setattr(blocks, "LENGTH", 3)
    monkeypatch.setattr("history.minutes.LENGTH", 3)
    monkeypatch.setattr("history.tracks.LENGTH", 3)


def of(run: TestHistory, start: int | None, end: int | None) -> Span:
    found = span(run, start, end)
    assert found is not None
    return found


def counts(found: Span) -> list[int]:
    """Everything of the span that is counted."""
    whole = found.whole
    columns = (whole.numbers.requests, whole.numbers.failures, whole.iterations, whole.sent, whole.received)
    return [*columns, *(part.numbers.requests for part in found.scenarios.values())]


@pytest.mark.usefixtures("minutes_of_three_seconds")
def test_adjacent_spans_together_are_the_run(run: TestHistory) -> None:
    for cuts in ((4,), (3, 6), (1, 2, 5, 8), (2, 7)):
        parts = [counts(of(run, a, b)) for a, b in itertools.pairwise((0, *cuts, 10))]
        assert [sum(column) for column in zip(*parts, strict=True)] == counts(of(run, None, None))
        assert sum(part[0] for part in parts) == recorded_run().exact["requests"]


@pytest.mark.usefixtures("minutes_of_three_seconds")
def test_distribution_and_answers_add_up_to_the_requests(run: TestHistory) -> None:
    for start, end in ((None, None), (0, 3), (2, 7), (4, 5), (9, 10)):
        found = of(run, start, end)
        requests = found.whole.numbers.requests
        assert sum(bar.count for bar in found.distribution) == sum(found.whole.answers.values()) == requests
        assert all(a.high_ms == b.low_ms for a, b in itertools.pairwise(found.distribution))


@pytest.mark.usefixtures("minutes_of_three_seconds")
def test_the_heatmap_adds_up_to_the_requests(run: TestHistory) -> None:
    for start, end, columns in ((None, None, 240), (2, 7, 240), (0, 10, 3), (1, 9, 2), (0, 10, 1)):
        found = heatmap(run, start, end, columns)
        assert len(found["counts"]) <= columns
        assert {len(column) for column in found["counts"]} == {len(found["rows"])}
        assert sum(map(sum, found["counts"])) == of(run, start, end).whole.numbers.requests


def test_of_a_whole_run_a_span_has_the_numbers_of_the_result(alice: User) -> None:
    run = finished(recorded_rows(alice))
    found = of(run, None, None)
    for part, row in ((found.whole, run), *((found.scenarios[one.scenario_tag], one) for one in run.scenarios.all())):
        numbers = part.numbers
        assert (numbers.requests, numbers.failures) == (row.total_requests, row.failed_requests)
        assert (part.iterations, part.sent, part.received) == (row.iterations, row.data_sent, row.data_received)
        assert numbers.tps == pytest.approx(row.avg_tps)
        assert (numbers.avg, numbers.p50, numbers.p90) == (
            row.avg_response_time,
            row.p50_response_time,
            row.p90_response_time,
        )
        assert (numbers.p95, numbers.p99) == (row.p95_response_time, row.p99_response_time)
        assert (part.min_ms, part.max_ms) == (row.min_response_time, row.max_response_time)
        assert (part.min_tps, part.max_tps) == (row.min_tps, row.max_tps)
        assert part.answers == row.answers
    assert (found.vus_min, found.vus_avg, found.vus_max) == (run.min_vus, run.avg_vus, run.max_vus)


def test_steps_are_counted_apart_and_make_their_scenario(alice: User) -> None:
    run = finished(recorded_rows(alice, recorded=recorded_steps()), recorded_steps())
    found = of(run, 1, 4)
    steps = {step: part for (tag, step), part in found.steps.items() if tag == "s01_journey"}
    journey = found.scenarios["s01_journey"]
    assert sorted(steps) == ["1", "2", "3"]
    assert sum(part.numbers.requests for part in steps.values()) == journey.numbers.requests > 0
    assert journey.iterations > 0
    whole = of(run, None, None)
    for scenario in run.scenarios.all():
        for step in scenario.steps.all():
            if scenario.steps.count() > 1:
                part = whole.steps[scenario.scenario_tag, str(step.position + 1)]
                assert (part.numbers.requests, part.min_tps) == (step.total_requests, step.min_tps)


def test_a_span_is_clipped_to_the_run(run: TestHistory) -> None:
    assert counts(of(run, 0, 5000)) == counts(of(run, None, None))
    found = of(run, 4000, 5000)
    assert (found.start, found.end) == (found.end - 1, of(run, None, None).end)


def test_a_run_of_before_there_were_minutes_has_no_spans(alice: User, client: Client) -> None:
    run = finished(recorded_rows(alice))
    BlockHistory.objects.all().delete()
    assert span(run, None, None) is None
    client.force_login(alice)
    answer = client.get(f"/test-history/{run.pk}/span")
    assert answer.status_code == 409
    assert client.get(f"/test-history/{run.pk}/timeseries?points=3").status_code == 200


def test_programs_get_spans_and_heatmaps(run: TestHistory, alice: User, client: Client) -> None:
    client.force_login(alice)
    found = client.get(f"/test-history/{run.pk}/span?from=2&to=5").json()
    assert found["whole"]["numbers"]["requests"] == of(run, 2, 5).whole.numbers.requests
    assert [one["tag"] for one in found["scenarios"]] == ["s01_product", "s02", "s03_stock"]
    heat = client.get(f"/test-history/{run.pk}/heatmap?from=2&to=5").json()
    assert sum(map(sum, heat["counts"])) == found["whole"]["numbers"]["requests"]


def test_an_odd_span_is_refused_with_its_field(run: TestHistory, alice: User, client: Client) -> None:
    client.force_login(alice)
    odd = {"from=5&to=5": "to", "from=-1": "from", "to=0": "to", "from=x": "from", "from=9&to=2": "to"}
    for kind, (query, field) in itertools.product(("span", "heatmap", "timeseries"), odd.items()):
        answer = client.get(f"/test-history/{run.pk}/{kind}?{query}")
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


def test_a_foreign_run_has_no_spans(run: TestHistory, charlie: User, client: Client) -> None:
    client.force_login(charlie)
    for kind in ("span", "heatmap", "timeseries"):
        assert client.get(f"/test-history/{run.pk}/{kind}").status_code == 404
