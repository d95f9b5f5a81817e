"""The list of runs: find one, in a page or as HTMX's part of it."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.baselines import endpoint_set, set_baseline
from history.labelling import add_note, set_labels
from history.models import StepHistory, TestHistory
from history.states import Outcome, Status
from history.tests.sample_runs import project_of, run_of
from loadtests.models import Plan
from projects.models import Membership

BROWSER = {"accept": "text/html"}


def titles(client: Client, query: str = "", **headers: str) -> list[str]:
    answer = client.get(f"/runs/{query}", headers={**BROWSER, **headers})
    assert answer.status_code == 200
    return [run.title for run in answer.context["page"]]


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_it_shows_a_newcomer_what_to_do_first(page: Client) -> None:
    assert "No runs yet" in page.get("/runs/", headers=BROWSER).content.decode()


def test_it_shows_the_newest_run_first(page: Client, alice: User) -> None:
    project = project_of(alice)
    run_of(project, title="old", tested_at=datetime(2026, 1, 1, tzinfo=UTC))
    run_of(project, title="new")
    assert titles(page) == ["new", "old"]


def test_it_hides_foreign_runs(client: Client, alice: User, charlie: User) -> None:
    run_of(project_of(alice))
    client.force_login(charlie)
    assert titles(client) == []


def test_a_member_sees_the_runs_of_the_project(client: Client, alice: User, bob: User) -> None:
    project = project_of(alice)
    run_of(project)
    Membership.objects.create(project=project, user=bob)
    client.force_login(bob)
    assert titles(client) == ["Evening peak"]


@pytest.mark.parametrize("words", ["night", "NIGHT", "payments"])
def test_it_searches_titles_and_projects(page: Client, alice: User, words: str) -> None:
    run_of(project_of(alice), title="Evening peak")
    run_of(project_of(alice, "Payments API"), title="Night batch")
    assert titles(page, f"?q={words}") == ["Night batch"]


def test_it_finds_a_run_by_its_number(page: Client, alice: User) -> None:
    project = project_of(alice)
    wanted = run_of(project, title="wanted")
    run_of(project, title="other")
    assert titles(page, f"?q={wanted.pk}") == ["wanted"]
    assert titles(page, f"?q=%23{wanted.pk}") == ["wanted"]


def test_it_filters_by_project_state_and_verdict(page: Client, alice: User) -> None:
    shop, bank = project_of(alice), project_of(alice, "Bank")
    run_of(shop, Status.COMPLETED, Outcome.PASSED, title="good")
    run_of(shop, Status.COMPLETED, Outcome.TARGETS_MISSED, title="bad")
    run_of(shop, Status.RUNNING, title="live")
    run_of(bank, Status.QUEUED, title="waiting")
    assert titles(page, f"?project={bank.pk}") == ["waiting"]
    assert titles(page, "?outcome=targets_missed") == ["bad"]
    assert titles(page, "?status=running") == ["live"]
    assert set(titles(page, "?status=active")) == {"live", "waiting"}
    assert titles(page, f"?project={shop.pk}&status=completed&outcome=passed&q=good") == ["good"]


def test_it_sorts_by_a_column_and_keeps_runs_without_a_value_last(page: Client, alice: User) -> None:
    project = project_of(alice)
    run_of(project, title="slow", p95_response_time=900.0)
    run_of(project, title="fast", p95_response_time=20.0)
    run_of(project, Status.RUNNING, title="unknown")
    assert titles(page, "?sort=p95") == ["fast", "slow", "unknown"]
    assert titles(page, "?sort=-p95") == ["slow", "fast", "unknown"]


@pytest.mark.parametrize(
    "query", ["?sort=nonsense", "?project=x&status=y&outcome=z", "?page=999", "?q=%00%25_", "?project=9" + "9" * 30]
)
def test_odd_addresses_do_no_harm(page: Client, alice: User, query: str) -> None:
    run_of(project_of(alice))
    assert page.get(f"/runs/{query}", headers=BROWSER).status_code == 200


def test_it_says_so_where_nothing_matches(page: Client, alice: User) -> None:
    run_of(project_of(alice))
    assert "Nothing matches" in page.get("/runs/?q=zzz", headers=BROWSER).content.decode()


def test_it_turns_pages_and_keeps_the_filter(page: Client, alice: User) -> None:
    project = project_of(alice)
    for number in range(30):
        run_of(project, title=f"run {number}")
    html = page.get("/runs/?sort=title&page=2", headers=BROWSER).content.decode()
    assert "26–30 of 30" in html
    assert 'rel="prev" href="?sort=title&amp;page=1"' in html


def test_htmx_gets_the_table_alone(page: Client, alice: User) -> None:
    run_of(project_of(alice))
    html = page.get("/runs/", headers={**BROWSER, "HX-Request": "true"}).content.decode()
    assert html.strip().startswith('<div class="stack tight" id="runs"')
    assert "<html" not in html


def test_it_loads_itself_again_only_while_a_run_is_active(page: Client, alice: User) -> None:
    project = project_of(alice)
    run_of(project)
    assert "every 5s" not in page.get("/runs/", headers=BROWSER).content.decode()
    run_of(project, Status.RUNNING)
    assert "every 5s" in page.get("/runs/", headers=BROWSER).content.decode()


def test_it_escapes_a_title(page: Client, alice: User) -> None:
    run_of(project_of(alice), title="<script>alert(1)</script>")
    assert "<script>alert" not in page.get("/runs/", headers=BROWSER).content.decode()


def test_it_asks_the_database_as_often_for_many_runs_as_for_one(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Session, user, keys counted, keys, runs, their labels, baselines, labels in use, projects, live runs."""
    project = project_of(alice)
    plan = Plan.objects.create(title="Peak", project=project)
    dressed(run_of(project, plan=plan), alice)
    page.get("/runs/", headers=BROWSER)
    with django_assert_num_queries(10):
        page.get("/runs/", headers=BROWSER)
    for _ in range(20):
        dressed(run_of(project, plan=plan), alice)
    with django_assert_num_queries(10):
        page.get("/runs/", headers=BROWSER)
    ticked = TestHistory.objects.values_list("pk", flat=True)[:2]
    address = f"/runs/?q=peak&label=nightly&sort=-p95&runs={ticked[0]}"
    with django_assert_num_queries(10):  # keys are found once; the ticked ones are counted
        page.get(address, headers=BROWSER)


def dressed(run: TestHistory, user: User) -> None:
    """With everything that the list shows of a run."""
    set_labels(run, ["nightly", "soak"])
    add_note(run, user, "calm")
    set_baseline(run, user)


def test_it_rejects_post(page: Client) -> None:
    assert page.post("/runs/", headers=BROWSER).status_code == 405


def test_it_sends_a_stranger_to_the_login(client: Client, db: None) -> None:
    answer = client.get("/runs/", headers=BROWSER)
    assert answer.status_code == 302
    assert answer.url == "/accounts/login/?next=/runs/"  # type: ignore[attr-defined]


def test_pinned_runs_stand_first_until_it_is_sorted(page: Client, alice: User) -> None:
    project = project_of(alice)
    run_of(project, title="old and pinned", tested_at=datetime(2026, 1, 1, tzinfo=UTC), pinned=True)
    run_of(project, title="new")
    assert titles(page) == ["old and pinned", "new"]
    assert titles(page, "?sort=-when") == ["new", "old and pinned"]


@pytest.fixture
def found_by_all(alice: User) -> TestHistory:
    """A run that each way of looking for it finds, and one beside it that none of them does."""
    project = project_of(alice)
    run_of(project, title="other", release="1.0", tested_at=datetime(2026, 3, 1, tzinfo=UTC))
    plan = Plan.objects.create(title="Checkout soak", project=project)
    run = run_of(project, title="wanted", plan=plan, release="4.18", pinned=True, outcome=Outcome.INVALID)
    set_labels(run, ["black friday"])
    add_note(run, alice, "The cache was 차갑다.")
    StepHistory.objects.create(scenario=run.scenarios.get(), request_name="POST /refunds/{id}")
    return run


@pytest.mark.parametrize(
    "words",
    ["checkout", "4.18", "friday", "차갑다", "/refunds/{id}", "post refunds", "wanted checkout 4.18", "CACHE wanted"],
)
def test_it_searches_everything_that_is_said_of_a_run(page: Client, found_by_all: TestHistory, words: str) -> None:
    assert [run.title for run in page.get("/runs/", {"q": words}, headers=BROWSER).context["page"]] == ["wanted"]


@pytest.mark.parametrize("words", ["wanted other", "checkout 1.0", "friday zzz"])
def test_every_word_has_to_be_there(page: Client, found_by_all: TestHistory, words: str) -> None:
    assert list(page.get("/runs/", {"q": words}, headers=BROWSER).context["page"]) == []


@pytest.mark.parametrize(
    "query",
    ["label=black friday", "release=4.18", "pinned=1", "since=2026-11-23", "outcome=invalid", "plan={plan}",
     "since=2026-11-23&until=2026-11-23", "label=black friday&release=4.18&pinned=1&q=wanted"],
)  # fmt: skip
def test_it_filters_by_what_is_in_the_address(page: Client, found_by_all: TestHistory, query: str) -> None:
    assert titles(page, "?" + query.format(plan=found_by_all.plan_id)) == ["wanted"]


@pytest.mark.parametrize("query", ["since=2026-11-24", "until=2026-11-22&pinned=1", "label=friday", "release=4"])
def test_a_filter_leaves_out_what_is_not_so(page: Client, found_by_all: TestHistory, query: str) -> None:
    assert titles(page, f"?{query}") == []


@pytest.mark.parametrize("query", ["since=x&until=2026-13-45", "plan=x", "since=9999-12-31", "until=0001-01-01"])
def test_odd_filters_do_no_harm(page: Client, found_by_all: TestHistory, query: str) -> None:
    assert page.get(f"/runs/?{query}", headers=BROWSER).status_code == 200


def test_runs_of_the_same_endpoints_are_found_together(page: Client, alice: User) -> None:
    """Only one of each set is looked into; what the sets are called says which it was."""
    project = project_of(alice)
    shop, bank = (endpoint_set([name]) for name in ("GET /shop", "GET /bank"))
    for title, which, name in (("a", shop, "GET /shop"), ("b", shop, "GET /shop"), ("c", bank, "GET /bank")):
        run = run_of(project, title=title, endpoint_set=which)
        StepHistory.objects.create(scenario=run.scenarios.get(), request_name=name)
    assert sorted(titles(page, "?q=/shop")) == ["a", "b"]
    assert titles(page, "?q=/bank") == ["c"]


def test_what_is_said_of_a_run_is_in_its_row(page: Client, alice: User, found_by_all: TestHistory) -> None:
    set_baseline(found_by_all, alice)
    html = page.get("/runs/?sort=title", headers=BROWSER).content.decode()
    assert 'href="?sort=title&amp;label=black+friday"' in html
    assert 'href="?sort=title&amp;release=4.18"' in html
    assert "1 note" in html
    assert html.count(">Baseline<") == 1
    assert html.count(">pinned<") == 1


def test_a_filter_by_label_has_a_way_out(page: Client, found_by_all: TestHistory) -> None:
    html = page.get("/runs/?label=black+friday&plan=" + str(found_by_all.plan_id), headers=BROWSER).content.decode()
    assert f'href="?plan={found_by_all.plan_id}"' in html
    assert 'href="?label=black+friday"' in html
    assert "Plan Checkout soak" in html
    assert '<input type="hidden" name="label" value="black friday" form="filters">' in html


def test_what_is_ticked_stays_ticked_while_the_table_loads_itself_again(page: Client, alice: User) -> None:
    project = project_of(alice)
    live, one, two = run_of(project, Status.RUNNING), run_of(project), run_of(project, title="on another page")
    html = page.get(f"/runs/?runs={one.pk}&runs={two.pk}&q={one.pk}", headers=BROWSER).content.decode()
    assert html.count('name="runs"') == 2
    assert html.count(" checked>") == 2
    assert "2 runs chosen" in html
    html = page.get(f"/runs/?runs={one.pk}&runs={live.pk}", headers=BROWSER).content.decode()
    assert 'hx-get="/runs/?"' in html
    assert f'Choose run {live.pk}, Evening peak" disabled' in html.replace(" checked", "")


@pytest.mark.parametrize(("count", "comparable"), [(1, False), (2, True), (5, True), (6, False)])
def test_two_to_five_runs_can_be_compared(page: Client, alice: User, count: int, comparable: bool) -> None:
    project = project_of(alice)
    runs = [run_of(project) for _ in range(count)]
    html = page.get("/runs/chosen/", {"runs": [run.pk for run in runs]}).content.decode()
    assert f"{count} run" in html
    assert ("2 to 5 can be compared" in html) is not comparable
    assert ('id="compare-chosen" disabled' in html) is not comparable
