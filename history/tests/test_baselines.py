"""The run that others are held against: one per plan, or, without a plan, one per set of endpoints."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from history.baselines import baseline_of, baselines_of, clear_baseline, endpoint_set, set_baseline
from history.models import Baseline
from history.states import Status
from history.tests.sample_runs import project_of, run_of
from loadtests.models import Plan
from metricvault.lib.errors import Conflict

SHOP = endpoint_set(["GET /products", "POST /orders"])


def test_a_set_of_endpoints_is_the_same_in_any_order() -> None:
    assert endpoint_set(["POST /orders", "GET /products", "GET /products"]) == SHOP
    assert endpoint_set(["GET /products"]) != SHOP


def test_runs_of_a_plan_share_its_baseline(alice: User) -> None:
    project = project_of(alice)
    plan, other = (Plan.objects.create(title=title, project=project) for title in "ab")
    first, second = run_of(project, plan=plan), run_of(project, plan=plan)
    elsewhere = run_of(project, plan=other)
    set_baseline(first, alice)
    assert baseline_of(second) == first
    assert baseline_of(first) == first
    assert baseline_of(elsewhere) is None


def test_a_second_baseline_takes_the_place_of_the_first(alice: User) -> None:
    project = project_of(alice)
    plan = Plan.objects.create(title="a", project=project)
    first, second = run_of(project, plan=plan), run_of(project, plan=plan)
    set_baseline(first, alice)
    set_baseline(second, alice)
    assert baseline_of(first) == second
    assert Baseline.objects.count() == 1


def test_runs_without_a_plan_are_held_against_those_of_the_same_endpoints(alice: User) -> None:
    shop, bank = project_of(alice), project_of(alice, "Bank")
    first, same = run_of(shop, endpoint_set=SHOP), run_of(shop, endpoint_set=SHOP)
    other = run_of(shop, endpoint_set=endpoint_set(["GET /products"]))
    foreign = run_of(bank, endpoint_set=SHOP)
    planned = run_of(shop, endpoint_set=SHOP, plan=Plan.objects.create(title="a", project=shop))
    set_baseline(first, alice)
    found = baselines_of([first, same, other, foreign, planned])
    assert found == {first.pk: first, same.pk: first, other.pk: None, foreign.pk: None, planned.pk: None}


def test_clearing_takes_only_ones_own(alice: User) -> None:
    project = project_of(alice)
    first, second = run_of(project, endpoint_set=SHOP), run_of(project, endpoint_set=SHOP)
    set_baseline(first, alice)
    clear_baseline(second, alice)
    assert baseline_of(second) == first
    clear_baseline(first, alice)
    assert baseline_of(second) is None


@pytest.mark.parametrize("columns", [{"status": Status.RUNNING}, {"total_requests": None}, {"endpoint_set": ""}])
def test_what_measured_nothing_is_no_baseline(alice: User, columns: dict) -> None:
    run = run_of(project_of(alice), **{"endpoint_set": SHOP, **columns})
    with pytest.raises(Conflict):
        set_baseline(run, alice)
    assert not Baseline.objects.exists()


def test_a_deleted_run_is_no_baseline_until_it_is_back(alice: User) -> None:
    project = project_of(alice)
    first, second = run_of(project, endpoint_set=SHOP), run_of(project, endpoint_set=SHOP)
    set_baseline(first, alice)
    first.deleted_at = timezone.now()
    first.save()
    assert baseline_of(second) is None
    first.deleted_at = None
    first.save()
    assert baseline_of(second) == first


def test_the_baselines_of_many_runs_are_one_query(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    project = project_of(alice)
    plan = Plan.objects.create(title="a", project=project)
    runs = [run_of(project, endpoint_set=SHOP), *(run_of(project, plan=plan) for _ in range(5))]
    set_baseline(runs[0], alice)
    set_baseline(runs[1], alice)
    with django_assert_num_queries(1):
        assert {one.pk for one in baselines_of(runs).values() if one} == {runs[0].pk, runs[1].pk}
