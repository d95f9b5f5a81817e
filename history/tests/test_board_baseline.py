"""What changed against the baseline, on the page of a result."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.baselines import set_baseline
from history.board_baseline import against
from history.models import TestHistory
from history.tests.sample_runs import project_of, run_of

pytestmark = pytest.mark.django_db


def runs(alice: User, **changed: float) -> tuple[TestHistory, TestHistory]:
    project = project_of(alice)
    base = run_of(project, endpoint_set="one")
    run = run_of(project, endpoint_set="one")
    for name, value in changed.items():
        setattr(run, name, value)
    run.save()
    set_baseline(base, alice)
    return base, run


def test_what_is_slower_is_worse_and_what_hardly_moved_is_about_the_same(alice: User) -> None:
    base, run = runs(alice, p95_response_time=300.0, p50_response_time=34.5, avg_error_rate=1.0, avg_tps=200.0)
    found = against(run, base)
    assert found is not None
    told = {row.name: (row.direction, row.change.replace("\xa0", " ")) for row in found.rows}
    assert told["p95, all requests"] == ("worse", "+26.7 %")
    assert told["p50, all requests"] == ("same", "+1.2 %")
    assert told["Error rate"] == ("worse", "+0.78 points")
    assert told["Throughput, average"] == ("better", "+32.2 %")
    assert told["Requests"][0] == "same"


def test_the_baseline_itself_is_held_against_nothing(alice: User) -> None:
    base, run = runs(alice)
    assert against(base, base) is None
    assert against(run, None) is None
    run.total_requests = None
    assert against(run, base) is None


def test_the_result_shows_it_with_a_way_to_the_comparison(client: Client, alice: User) -> None:
    base, run = runs(alice)
    client.force_login(alice)
    html = client.get(f"/runs/{run.pk}/").content.decode()
    assert 'id="baseline"' in html
    assert f'href="/runs/{base.pk}/"' in html
    assert f'href="/runs/{run.pk}/against-baseline/"' in html
    assert 'id="baseline"' not in client.get(f"/runs/{base.pk}/").content.decode()
