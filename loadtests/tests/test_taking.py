"""A value of an answer becomes a variable of the plan, with a name that says what it is."""

import pytest
from django.contrib.auth.models import User

from loadtests.models import Plan, Step, Try
from loadtests.taking import proposed_name, step_of, take
from loadtests.tests.journey import make_journey
from metricvault.lib.errors import Missing, Refused
from projects.models import Environment

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(alice: User) -> Plan:
    return make_journey(alice, "http://127.0.0.1:9")


@pytest.fixture
def order(plan: Plan) -> Step:
    """The step that places an order: POST /orders, with {{order_id}} taken already."""
    return Step.objects.select_related("scenario__plan").get(position=1)


@pytest.mark.parametrize(
    ("picked", "name"),
    [
        ("json:$.id", "order_id_2"),
        ("json:$.items[0].id", "item_id"),
        ("json:$.items[*].unitPrice", "unit_price"),
        ("json:$.categories[0].name", "category_name"),
        ("json:$", "order_value"),
        ("json:$[3]", "order_value"),
        ("json:$['이름']", "이름"),
        ("json:$['2nd']", "v2nd"),
        ("json:$['???']", "value"),
        ("header:X-Request-Id", "x_request_id"),
        ("cookie:JSESSIONID", "jsessionid"),
        (f"json:$.{'a' * 90}", "a" * 40),
    ],
)
def test_the_name_comes_from_the_key(order: Step, picked: str, name: str) -> None:
    extract, fresh = take(order, picked)
    assert fresh
    assert extract["name"] == name
    order.refresh_from_db()
    kind, _colon, expression = picked.partition(":")
    assert order.extracts[-1] == {"name": name, "kind": kind, "expression": expression}


def test_a_name_of_another_step_or_of_the_environment_is_not_taken_again(plan: Plan, order: Step) -> None:
    plan.environment = Environment.objects.create(
        project=plan.project, name="s", variables=[{"name": "token_2", "value": "x", "secret": False}]
    )
    plan.save()
    order = Step.objects.select_related("scenario__plan__environment").get(pk=order.pk)
    assert take(order, "json:$.token")[0]["name"] == "token_3"


def test_the_same_value_is_taken_once(order: Step) -> None:
    first, _fresh = take(order, "json:$.state")
    again, fresh = take(order, "json:$.state")
    assert (again, fresh) == (first, False)
    order.refresh_from_db()
    assert len(order.extracts) == 2


def test_names_of_one_step_after_another_do_not_meet(order: Step) -> None:
    names = [take(order, f"json:$.items[{at}].id")[0]["name"] for at in range(3)]
    assert names == ["item_id", "item_id_2", "item_id_3"]


@pytest.mark.parametrize("picked", ["", "json:", "json:$..id", "regex:.*", "header:", "x", "json:" + "$.a" * 300])
def test_what_is_no_value_of_an_answer_is_refused(order: Step, picked: str) -> None:
    with pytest.raises(Refused):
        take(order, picked)
    order.refresh_from_db()
    assert len(order.extracts) == 1


def test_a_step_takes_20_values_at_most(order: Step) -> None:
    for number in range(19):
        take(order, f"json:$.a{number}")
    with pytest.raises(Refused):
        take(order, "json:$.one_more")


def test_a_step_that_left_the_plan_is_missing(plan: Plan, order: Step) -> None:
    row = Try.objects.create(project=plan.project, plan=plan, result=[{"key": order.pk}, {"key": None}])
    assert step_of(row, 0) == order
    for at in (1, 2):
        with pytest.raises(Missing):
            step_of(row, at)
    order.delete()
    with pytest.raises(Missing):
        step_of(row, 0)


def test_the_name_of_an_endpoint_without_words_is_plain(order: Step) -> None:
    assert order.endpoint
    order.endpoint.path = "/{id}"
    assert proposed_name(order, "json", "$.id") == "id"
