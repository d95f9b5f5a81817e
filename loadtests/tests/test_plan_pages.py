"""The list of plans, making one, adding to one, starting and stopping runs."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from history.models import TestHistory
from history.states import Status
from loadtests.models import Plan, Scenario
from loadtests.tests.shop import ORDER_TEXT, make_endpoint, make_plan, make_project, make_shop, parameter
from projects.models import Membership

HTMX = {"HX-Request": "true"}
LIST, NEW = "/tests/", "/tests/new"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What would have gone to a worker."""
    found: list[tuple[str, int]] = []
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: found.append((task, run_id)))
    return found


def text_of(page: Client, address: str, **query: Any) -> str:
    answer = page.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_newcomer_is_told_what_to_do_first(page: Client) -> None:
    assert "No plans yet" in text_of(page, LIST)
    assert "No project yet" in text_of(page, NEW)


def test_the_list_shows_plans_with_their_last_run(page: Client, alice: User) -> None:
    project, endpoints = make_shop(alice)
    plan = make_plan(project, *endpoints)
    assert "never ran" in text_of(page, LIST)
    TestHistory.objects.create(title="x", project=project, plan=plan, job_name="k6-1", status=Status.STOPPED)
    run = TestHistory.objects.create(title="x", project=project, plan=plan, job_name="k6-2", status=Status.RUNNING)
    text = text_of(page, LIST)
    assert f'href="/runs/{run.pk}/"' in text
    assert 'data-badge="running"' in text


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"q": "peak"}, ["Evening peak"]),
        ({"q": "orders"}, ["Evening peak"]),
        ({"q": "STOREFRONT"}, ["Morning", "Evening peak"]),
        ({"q": "nothing"}, []),
        ({"q": "\x00"}, ["Morning", "Evening peak"]),
        ({"sort": "title"}, ["Evening peak", "Morning"]),
        ({"sort": "-title"}, ["Morning", "Evening peak"]),
        ({"sort": "-scenarios"}, ["Evening peak", "Morning"]),
        ({"project": "999"}, []),
        ({"project": "9" * 40}, ["Morning", "Evening peak"]),
        ({"page": "99"}, ["Morning", "Evening peak"]),
    ],
)
def test_the_list_is_searched_and_sorted(page: Client, alice: User, query: dict[str, str], titles: list[str]) -> None:
    project, endpoints = make_shop(alice)
    make_plan(project, *endpoints)
    make_plan(project, title="Morning")
    assert [plan.title for plan in page.get(LIST, query).context["page"]] == titles


def test_htmx_gets_the_table_alone(page: Client) -> None:
    text = page.get(LIST, headers=HTMX).content.decode()
    assert text.lstrip().startswith('<section class="card" id="plans">')


def test_the_list_hides_foreign_plans_and_takes_a_constant_number_of_queries(
    client: Client, alice: User, charlie: User, django_assert_max_num_queries: Any
) -> None:
    project, endpoints = make_shop(alice)
    for number in range(30):
        make_plan(project, *endpoints, title=f"Plan {number}")
    client.force_login(charlie)
    assert "No plans yet" in text_of(client, LIST)
    client.force_login(alice)
    with django_assert_max_num_queries(8):
        text_of(client, LIST)


def test_a_new_plan_begins_with_its_project(page: Client, alice: User) -> None:
    one, two = make_project(alice, "One"), make_project(alice, "Two")
    text = text_of(page, NEW)
    assert f"?project={one.pk}" in text
    assert f"?project={two.pk}" in text
    two.delete()
    assert "No endpoints" in text_of(page, NEW)


def test_endpoints_are_searched_and_the_chosen_ones_kept(page: Client, alice: User) -> None:
    project, (products, detail, order) = make_shop(alice)
    query = {"project": project.pk, "endpoint": [products.pk, order.pk], "q": "주문"}
    answer = page.get(NEW, query, headers=HTMX)
    text = answer.content.decode()
    assert "<html" not in text
    assert f'<input type="hidden" name="endpoint" value="{products.pk}">' in text
    assert f'value="{order.pk}" checked' in text
    assert f'id="e{detail.pk}"' not in text
    assert "2 endpoints chosen" in text


def test_an_endpoint_under_two_tags_is_sent_once(page: Client, alice: User) -> None:
    project, (products, *_rest) = make_shop(alice)
    products.tags.create(openapi_spec=products.openapi_spec, name="zebra", position=9)
    text = text_of(page, NEW, project=project.pk)
    assert text.count(f'name="endpoint" value="{products.pk}"') == 1
    assert "zebra" in text


def test_each_chosen_endpoint_becomes_a_scenario_with_the_values_of_the_document(page: Client, alice: User) -> None:
    project, (products, _detail, order) = make_shop(alice)
    tagged = make_endpoint(
        project, path="/t/{id}", parameters=[parameter("id", "path", ["a", "b"]), parameter("q", "query", 5)]
    )
    answer = page.post(NEW, {"project": project.pk, "endpoint": [order.pk, products.pk, tagged.pk], "title": ""})
    plan = Plan.objects.get()
    assert answer.headers["Location"] == f"/tests/{plan.pk}/"
    assert (plan.title, plan.created_by, plan.project) == ("Storefront", alice, project)
    first, second, third = plan.scenarios.all()
    assert (first.name, second.name, third.name) == ("List products", "주문하기", "GET /t/{id}")
    assert (first.executor, [(stage.target, stage.duration) for stage in first.stages.all()]) == (
        "constant-vus",
        [(5, 30)],
    )
    assert first.steps.get().values == {
        "path": {},
        "query": {},
        "header": {},
        "cookie": {},
    }  # its one parameter is optional
    order_step = second.steps.get()
    assert (order_step.body, order_step.content_type) == (ORDER_TEXT, "application/json")
    values = third.steps.get().values
    assert (values["path"], values["query"]) == ({"id": "a,b"}, {"q": "5"})


def test_nothing_chosen_is_said_and_makes_no_plan(page: Client, alice: User) -> None:
    project, _endpoints = make_shop(alice)
    answer = page.post(NEW, {"project": project.pk, "title": "Kept"})
    assert answer.status_code == 422
    assert "Choose at least one endpoint." in answer.content.decode()
    assert 'value="Kept"' in answer.content.decode()
    assert not Plan.objects.exists()


def test_foreign_endpoints_and_projects_are_not_taken(client: Client, page: Client, alice: User, charlie: User) -> None:
    project, (products, *_rest) = make_shop(alice)
    foreign = make_endpoint(make_project(charlie, "Foreign"))
    answer = page.post(NEW, {"project": project.pk, "endpoint": [foreign.pk]})
    assert answer.status_code == 422
    assert page.post(NEW, {"project": foreign.openapi_spec.project_id, "endpoint": [foreign.pk]}).status_code == 404
    assert not Scenario.objects.exists()
    assert products


def test_a_reader_makes_no_plan(client: Client, alice: User, bob: User) -> None:
    project, (products, *_rest) = make_shop(alice, bob)
    Membership.objects.update(role=Membership.Role.READER)
    client.force_login(bob)
    assert client.post(NEW, {"project": project.pk, "endpoint": [products.pk]}).status_code == 403
    assert not Plan.objects.exists()


def test_scenarios_are_added_up_to_what_a_plan_holds(page: Client, alice: User) -> None:
    project, (products, detail, _order) = make_shop(alice)
    plan = make_plan(project, *[products] * 49)
    address = reverse("loadtests:add", args=[plan.pk])
    assert "Add to the plan" in text_of(page, address)
    answer = page.post(address, {"endpoint": [products.pk, detail.pk]})
    assert plan.scenarios.count() == 50
    last = plan.scenarios.last()
    assert last is not None
    assert answer.headers["Location"] == f"/tests/{plan.pk}/?scenario={last.pk}"
    assert "More do not fit" in text_of(page, answer.headers["Location"])


@pytest.mark.usefixtures("sent")
def test_a_plan_is_run(
    page: Client, alice: User, sent: list[tuple[str, int]], django_capture_on_commit_callbacks: Any
) -> None:
    project, (products, *_rest) = make_shop(alice)
    plan = make_plan(project, products)
    with django_capture_on_commit_callbacks(execute=True):
        answer = page.post(reverse("loadtests:run", args=[plan.pk]))
    run = TestHistory.objects.get()
    assert answer.headers["Location"] == f"/runs/{run.pk}/"
    assert (run.plan, run.status, run.started_by) == (plan, Status.QUEUED, alice)
    assert sent == [("launch_run", run.pk)]
    assert run.plan_snapshot["scenarios"][0]["steps"][0]["request"]["url"] == "https://api.example.com/v1/products"


def test_a_plan_that_is_not_ready_leaves_no_run(page: Client, alice: User) -> None:
    project, (_products, detail, _order) = make_shop(alice)
    plan = make_plan(project, detail)
    answer = page.post(reverse("loadtests:run", args=[plan.pk]), follow=True)
    assert "needs a value for path parameter productId" in answer.content.decode()
    assert not TestHistory.objects.exists()


def test_a_run_is_stopped_once(page: Client, alice: User, sent: list[tuple[str, int]]) -> None:
    project, _endpoints = make_shop(alice)
    run = TestHistory.objects.create(title="x", project=project, job_name="k6-1", status=Status.RUNNING)
    address = reverse("loadtests:stop", args=[run.pk])
    assert page.post(address).headers["Location"] == f"/runs/{run.pk}/"
    run.refresh_from_db()
    assert run.stop_requested_at is not None
    assert sent == [("stop_run", run.pk)]
    TestHistory.objects.update(status=Status.COMPLETED)
    answer = page.post(address, headers=HTMX)
    assert answer.headers["HX-Refresh"] == "true"
    assert len(sent) == 1


def test_only_those_who_may_change_a_project_stop_its_runs(
    client: Client, alice: User, bob: User, charlie: User
) -> None:
    project, _endpoints = make_shop(alice, bob)
    Membership.objects.update(role=Membership.Role.READER)
    run = TestHistory.objects.create(title="x", project=project, job_name="k6-1", status=Status.RUNNING)
    for person, status in ((bob, 403), (charlie, 404)):
        client.force_login(person)
        assert client.post(reverse("loadtests:stop", args=[run.pk])).status_code == status
    run.refresh_from_db()
    assert run.stop_requested_at is None


def test_a_plan_is_deleted_and_its_results_stay(page: Client, alice: User) -> None:
    project, endpoints = make_shop(alice)
    plan = make_plan(project, *endpoints)
    TestHistory.objects.create(title="x", project=project, plan=plan, job_name="k6-1", status=Status.COMPLETED)
    page.post(reverse("loadtests:delete", args=[plan.pk]))
    assert not Plan.objects.exists()
    assert TestHistory.objects.get().plan is None
