"""Try once in the builder: who may, what is shown, how values are taken."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from loadtests.models import Plan, Step, Try
from loadtests.tests.journey import answered, make_journey
from projects.models import Membership

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def plan(alice: User, client: Client) -> Plan:
    """A journey of alice, who is logged in."""
    client.force_login(alice)
    return make_journey(alice, "http://127.0.0.1:9")


@pytest.fixture
def row(plan: Plan, alice: User) -> Try:
    """The plan was tried, as expected."""
    return answered(plan, alice)


def text(client: Client, path: str) -> str:
    return client.get(path, headers=HTMX).content.decode()


def test_the_drawer_asks_again_until_it_is_over(client: Client, plan: Plan, alice: User) -> None:
    answer = client.post(f"/tests/{plan.pk}/try", headers=HTMX).content.decode()
    row = Try.objects.latest("pk")
    again = f'hx-get="/tests/tries/{row.pk}/" hx-trigger="load delay:300ms, every 3s"'
    assert again in answer
    assert "Waits for a worker" in answer
    Try.objects.update(state="passed", result=answered(plan, alice).result)
    answer = text(client, f"/tests/tries/{row.pk}/")
    assert 'hx-trigger="load' not in answer
    assert "As expected" in answer


def test_each_step_is_there_and_the_first_is_open(client: Client, row: Try) -> None:
    answer = text(client, f"/tests/tries/{row.pk}/")
    assert answer.count('<details class="try-step"') == 3
    assert answer.count('<details class="try-step" open') == 1
    assert "tok-8231" in answer
    assert "Content-Type" in answer
    assert f'hx-get="/tests/tries/{row.pk}/steps/1/" hx-trigger="toggle once"' in answer


def test_a_step_shows_its_request_and_its_answer(client: Client, row: Try) -> None:
    answer = text(client, f"/tests/tries/{row.pk}/steps/1/")
    assert "201 Created" in answer
    assert 'value="json:$.order.id"' in answer
    assert 'value="header:Location"' in answer
    assert "application/json" in answer


def test_the_step_that_failed_is_open_and_its_problem_comes_first(client: Client, plan: Plan, alice: User) -> None:
    row = answered(plan, alice, token="")
    answer = text(client, f"/tests/tries/{row.pk}/")
    assert "Not as expected" in answer
    problem = answer.index("The answer was “401 Unauthorized”")
    assert problem < answer.index('<ol class="try-steps">')
    drawer = answer.partition("hx-swap-oob")[0]
    assert drawer.count("The answer was “401 Unauthorized”") == 1
    assert "$.known" in answer[problem:]


def test_a_plan_that_is_not_ready_says_what_is_missing(client: Client, plan: Plan) -> None:
    Step.objects.filter(position=2).update(values={})
    answer = client.post(f"/tests/{plan.pk}/try", headers=HTMX).content.decode()
    assert "Not ready" in answer
    assert "orderId" in answer
    assert Try.objects.count() == 0


def test_a_value_is_taken_by_a_click(client: Client, row: Try) -> None:
    answer = client.post(f"/tests/tries/{row.pk}/steps/0/take", {"pick": "json:$.user.id"}, headers=HTMX)
    assert answer.status_code == 200
    assert "Later steps may use {{user_id}}" in answer["HX-Trigger"]
    step = Step.objects.get(position=0)
    assert step.extracts[-1] == {"name": "user_id", "kind": "json", "expression": "$.user.id"}
    shown = answer.content.decode()
    assert "from now on" in shown
    assert f"?scenario={step.scenario_id}&amp;step={step.pk}" in shown


def test_a_value_is_taken_without_scripts_too(client: Client, plan: Plan, row: Try) -> None:
    answer = client.post(f"/tests/tries/{row.pk}/steps/1/take", {"pick": "header:Location"})
    assert (answer.status_code, answer["Location"]) == (302, f"/tests/{plan.pk}/")
    assert Step.objects.get(position=1).extracts[-1]["name"] == "location"


def test_a_value_that_is_none_is_refused(client: Client, row: Try) -> None:
    answer = client.post(f"/tests/tries/{row.pk}/steps/0/take", {"pick": "json:$..id"}, headers=HTMX)
    assert answer.status_code == 422
    assert len(Step.objects.get(position=0).extracts) == 1


def test_a_reader_looks_and_takes_nothing(client: Client, plan: Plan, row: Try, bob: User) -> None:
    Membership.objects.create(project=plan.project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    answer = text(client, f"/tests/tries/{row.pk}/")
    assert "tok-8231" in answer
    assert "try-value" not in answer
    assert client.post(f"/tests/{plan.pk}/try", headers=HTMX).status_code == 403
    taken = client.post(f"/tests/tries/{row.pk}/steps/0/take", {"pick": "json:$.user.id"}, headers=HTMX)
    assert taken.status_code == 403


def test_a_stranger_finds_nothing(client: Client, plan: Plan, row: Try, charlie: User) -> None:
    client.force_login(charlie)
    for path in (f"/tests/tries/{row.pk}/", f"/tests/tries/{row.pk}/steps/0/"):
        assert client.get(path).status_code == 404
    for path in (f"/tests/{plan.pk}/try", f"/tests/tries/{row.pk}/steps/0/take"):
        assert client.post(path, {"pick": "json:$.token"}).status_code == 404


@pytest.mark.parametrize("path", ["tries/99/", "tries/{pk}/steps/9/", "tries/99/steps/0/"])
def test_what_is_not_there_is_not_found(client: Client, plan: Plan, path: str) -> None:
    row = Try.objects.create(plan=plan, project=plan.project, state="failed")
    assert client.get(f"/tests/{path.format(pk=row.pk)}").status_code == 404


def test_a_step_that_left_the_plan_is_shown_all_the_same(client: Client, row: Try) -> None:
    Step.objects.filter(position=1).delete()
    assert "201 Created" in text(client, f"/tests/tries/{row.pk}/steps/1/")
    taken = client.post(f"/tests/tries/{row.pk}/steps/1/take", {"pick": "header:Location"}, headers=HTMX)
    assert taken.status_code == 404


def test_what_an_answer_says_is_text_and_nothing_else(client: Client, plan: Plan) -> None:
    evil = '"><script>alert(1)</script>'
    body = {
        "body": f'{{"{evil[2:]}": "{evil[2:]}"}}', "cut": False, "size": 9, "duration": 1, "status": 200, "proto": evil,
        "status_text": evil, "headers": [[evil, evil]], "cookies": [[evil, evil]], "timings": {},
    }  # fmt: skip
    sent = {"method": evil, "url": evil, "headers": [[evil, evil]], "body": evil, "cut": False}
    one = {"scenario": evil, "scenario_name": evil, "at": 0, "step": 1, "key": Step.objects.get(position=0).pk,
           "name": f"GET {evil}", "title": evil, "state": "failed", "request": sent, "response": body, "error": evil,
           "problems": [{"code": "try_check", "good": False, "params": {"check": evil, "found": ""}}],
           "checks": [{"key": "c1", "text": evil, "ok": False, "found": evil}],
           "extracts": [{"key": "x1", "name": evil, "kind": "json", "expression": evil, "value": evil}]}  # fmt: skip
    row = Try.objects.create(plan=plan, project=plan.project, state="failed", result=[one, one], log=evil)
    for path in (f"/tests/tries/{row.pk}/", f"/tests/tries/{row.pk}/steps/1/"):
        answer = text(client, path)
        assert "alert(1)" in answer
        assert "<script>alert" not in answer


def dialog(client: Client, plan: Plan) -> str:
    """The buttons of the dialog that starts a run."""
    page = client.get(f"/tests/{plan.pk}/").content.decode()
    return page[page.index('id="run-ask"') :].partition("</form>")[0]


def test_a_run_of_a_plan_that_was_never_tried_gets_a_hint(client: Client, plan: Plan) -> None:
    asked = dialog(client, plan)
    assert "never tried" in asked
    assert ">Run</button>" in asked


def test_a_run_after_a_good_try_is_asked_for_as_ever(client: Client, plan: Plan, row: Try) -> None:
    asked = dialog(client, plan)
    assert "tried" not in asked
    assert ">Run</button>" in asked


def test_a_run_after_a_try_that_failed_asks_again(client: Client, plan: Plan, alice: User) -> None:
    row = answered(plan, alice, token="")
    for asked in (dialog(client, plan), text(client, f"/tests/tries/{row.pk}/")):
        assert "The last try did not go as expected." in asked
        assert "401 Unauthorized" in asked
        assert "Run all the same" in asked
        assert "changed since" not in asked
    plan.save()
    assert "The plan has changed since then." in dialog(client, plan)
