"""The seconds of a run over longer stretches: their values are those of all their requests, and no peak hides."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history import recording
from history.models import TestHistory
from history.spans import span
from history.states import Status
from history.tests.recorded_history import recorded_rows
from history.tests.test_spans import finished
from history.timeseries import overview, timeseries

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(alice: User) -> TestHistory:
    return finished(recorded_rows(alice))


def test_a_stretch_has_the_sums_and_percentiles_of_its_seconds(run: TestHistory) -> None:
    found, seconds = overview(run, step=3), timeseries(run)
    assert found["t"] == [0, 3, 6, 9]
    assert found["requests"] == [sum(seconds["requests"][t : t + 3]) for t in (0, 3, 6, 9)]
    assert found["tps"][0] == pytest.approx(sum(seconds["requests"][:3]) / 3)
    part = span(run, 3, 6)
    assert part is not None
    assert found["p95"][1] == part.whole.numbers.p95
    assert found["avg"][1] == pytest.approx(part.whole.numbers.avg)
    assert found["scenarios"][0]["p99"][1] == part.scenarios["s01_product"].numbers.p99


def test_beside_it_stand_the_lowest_and_the_highest_of_its_seconds(run: TestHistory) -> None:
    found, seconds = overview(run, points=2), timeseries(run)
    assert found["resolution"] == 5
    for name in ("tps", "p95", "error_rate"):
        of_first = seconds[name][:5]
        assert (found[f"{name}_min"][0], found[f"{name}_max"][0]) == (min(of_first), max(of_first))
        assert found[f"{name}_p95"][0] == max(of_first)  # of five values, all but the highest are under 95 %


def test_an_active_run_is_told_likewise(alice: User) -> None:
    run = recorded_rows(alice, Status.RUNNING)
    TestHistory.objects.filter(pk=run.pk).update(live_second=8)
    run.refresh_from_db()
    found = overview(run, step=4)
    assert found["t"] == [0, 4]
    assert found["p95"][1] == span(run, 4, 8).whole.numbers.p95  # type: ignore[union-attr]


def test_a_long_run_keeps_its_overview(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "POINTS", 5)
    run = finished(recorded_rows(alice))
    kept = run.timelines.get(scenario=None).overview
    assert kept["step"] == 2
    run.blocks.all().delete()  # so that it cannot be made again
    assert overview(run, points=5)["p95"] == kept["columns"]["p95"] != [None] * 5


def test_the_kept_overview_is_what_would_be_made(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made = overview(finished(recorded_rows(alice)), step=2)
    monkeypatch.setattr(recording, "POINTS", 5)
    kept = overview(finished(recorded_rows(alice)), step=2)
    same = set(made) - {"test_history_id"}
    assert {name: kept[name] for name in same} == {name: made[name] for name in same}


def test_programs_choose_resolution_and_scenario(run: TestHistory, alice: User, client: Client) -> None:
    client.force_login(alice)
    found = client.get(f"/test-history/{run.pk}/timeseries?resolution=5s&scenario=s02").json()
    assert (found["resolution"], found["t"], [one["tag"] for one in found["scenarios"]]) == (5, [0, 5], ["s02"])
    assert client.get(f"/test-history/{run.pk}/timeseries?points=3&scenario=").json()["scenarios"] == []
    found = client.get(f"/test-history/{run.pk}/timeseries?from=2&to=6").json()
    assert (found["resolution"], found["t"]) == (1, [2, 3, 4, 5])


def test_what_cannot_be_shown_is_refused(run: TestHistory, alice: User, client: Client) -> None:
    client.force_login(alice)
    odd = {"resolution=half": "resolution", "points=0": "points", "scenario=s99": "scenario"}
    for query, field in {**odd, "resolution=5s&points=9": "points"}.items():
        answer = client.get(f"/test-history/{run.pk}/timeseries?{query}")
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["error"]["details"]] == [field]
