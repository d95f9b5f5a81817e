"""A plan as one file: what stands in it, that it comes back as it was, and what is said of one that is wrong."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtests import editing
from loadtests.keeping import keep
from loadtests.models import Plan
from loadtests.payload import LoadTestIn, ScenarioIn, StepIn
from loadtests.plan_file import read_plan, write_plan
from loadtests.tests.shop import make_endpoint, make_shop
from metricvault.lib.errors import Refused, TooLarge
from projects.models import DataFile, Endpoint, Environment, OpenApiSpec, Project
from tests.examples import examples

FILE = """\
metricvault: 1
title: 저녁 피크
environment: staging
data:
  users: unique
scenarios:
- name: 주문
  executor: ramping-arrival-rate
  stages:
  - duration: 30s
    target: 50
  - duration: 1m30s
    target: 0
  time_unit: 1m
  response_time_target: 250.5
  steps:
  - name: 목록
    endpoint: GET /products
    parameters:
      query:
        limit: '10'
    extracts:
    - name: product
      expression: $.items[0].id
  - endpoint: POST /orders
    body: |-
      {
        "productId": "{{product}}",
        "email": "{{users.email}}"
      }
    content_type: application/json
    statuses:
    - '201'
    checks:
    - kind: contains
      value: 주문 완료
"""


@pytest.fixture
def shop(alice: User) -> Project:
    """The shop with an environment and a data file."""
    project, _endpoints = make_shop(alice)
    Environment.objects.create(project=project, name="staging", base_url="https://staging.example.com")
    DataFile.objects.create(project=project, name="users", columns=["email"], row_count=1, sha256="0" * 64, packed=b"")
    return project


def imported(text: str, project: Project, user: User) -> Plan:
    """The plan that a file makes, with all that belongs to it."""
    plan = keep(read_plan(text, project).load_test, project, user)
    return editing.full_plans().get(pk=plan.pk)


def exported(plan: Plan) -> str:
    full = editing.full_plans().get(pk=plan.pk)
    return write_plan(editing.plan_payload(full), full.project, full.environment)


def problems(text: str, project: Project) -> list[str]:
    with pytest.raises(Refused) as caught:
        read_plan(text, project)
    return [detail.message for detail in caught.value.details]


def test_a_file_reads_like_what_it_says_and_comes_back_the_same(shop: Project, alice: User) -> None:
    plan = imported(FILE, shop, alice)
    assert (plan.title, plan.project, plan.created_by) == ("저녁 피크", shop, alice)
    assert plan.environment == Environment.objects.get()
    first, second = plan.scenarios.get().steps.all()
    assert str(first.endpoint) == "GET /products"
    assert second.body.startswith('{\n  "productId": "{{product}}"')
    assert exported(plan) == FILE


def test_nothing_secret_and_no_key_stands_in_a_file(shop: Project, alice: User) -> None:
    text = exported(imported(FILE, shop, alice))
    assert "_id:" not in text
    assert "base_url" not in text


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
awkward = st.sampled_from(
    ["yes", "~", "12e3", "0o17", "- a", "{{users.email}}", "a\n b\r\n", " x", "\u2028", "`${}`", "한"]
)
words = st.one_of(texts, awkward)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
durations = st.integers(0, 100_000_000).map(lambda ms: ms / 1000)
targets = st.none() | st.floats(0.001, 1_000_000)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


checks = st.one_of(
    st.fixed_dictionaries({"kind": st.just("contains"), "value": words.filter(str.strip)}),
    st.fixed_dictionaries({"kind": st.just("json"), "target": st.just("$.a[0]"), "value": words}),
    st.fixed_dictionaries({"kind": st.just("time"), "value": st.integers(0, 999).map(str)}),
)
extracts = st.fixed_dictionaries({"name": names, "kind": st.just("header"), "expression": names})
parameters = some(path=st.dictionaries(names, words, max_size=2), query=st.dictionaries(words, words, max_size=2))
steps = st.builds(
    lambda at, more: {"endpoint_id": at, **more},
    st.integers(0, 2),
    some(
        name=words, parameters=parameters, body=words, headers=st.dictionaries(names, words, max_size=2),
        once=st.booleans(), statuses=st.lists(st.sampled_from(["200-299", "404"]), max_size=2),
        checks=st.lists(checks, max_size=2), extracts=st.lists(extracts, max_size=2),
        content_type=st.sampled_from(["application/json", "text/plain"]),
    ),
)  # fmt: skip
stages = st.fixed_dictionaries({"duration": durations, "target": st.integers(0, 10_000)})
scenarios = st.builds(
    lambda steps, stages, more: {"steps": steps, "stages": stages, **more},
    st.lists(steps, min_size=1, max_size=3),
    st.lists(stages, min_size=1, max_size=3),
    some(
        name=words, executor=st.sampled_from(["constant-vus", "ramping-arrival-rate", "per-vu-iterations"]),
        think_time=durations, time_unit=durations, pre_allocated_vus=st.integers(1, 99), iterations=st.integers(1, 99),
        start_time=durations, batch=st.booleans(), response_time_target=targets, tps_target=targets,
        response_time_percentile=st.sampled_from([50, 90, 95, 99]), error_rate_target=st.none() | st.floats(0, 100),
    ),
)  # fmt: skip
load_tests = st.builds(
    lambda scenarios, more: {"title": "계획", "scenarios": scenarios, **more},
    st.lists(scenarios, min_size=1, max_size=2),
    some(
        description=words, target_tps=targets, abort_after=durations.filter(bool), k6_dashboard=st.booleans(),
        environment_id=st.just(True), profile=names, generators=st.integers(1, 9),
        data=st.just({"users": "unique"}), options=some(timeout=durations, http2=st.booleans()),
    ),
)  # fmt: skip


@given(asked=load_tests)
@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_plan_says_comes_back_from_its_file(shop: Project, alice: User, asked: dict[str, Any]) -> None:
    keys = list(Endpoint.objects.order_by("pk").values_list("pk", flat=True))
    for scenario in asked["scenarios"]:
        scenario["steps"] = [{**step, "endpoint_id": keys[step["endpoint_id"]]} for step in scenario["steps"]]
    if "environment_id" in asked:
        asked = {**asked, "environment_id": Environment.objects.get().pk}
    plan = keep(LoadTestIn.model_validate(asked), shop, alice)
    before = editing.plan_payload(editing.full_plans().get(pk=plan.pk))
    text = exported(plan)
    read = read_plan(text.encode(), shop)
    again = editing.full_plans().get(pk=keep(read.load_test, shop, alice).pk)
    assert LoadTestIn.model_validate(editing.plan_payload(again)) == LoadTestIn.model_validate(before)
    assert exported(again) == text


def test_the_document_is_named_where_several_have_the_endpoint(shop: Project, alice: User) -> None:
    other = OpenApiSpec.objects.create(project=shop, title="Other API", base_url="https://other.example.com")
    Endpoint.objects.create(openapi_spec=other, method="GET", path="/products")
    assert problems(FILE, shop) == [
        "Line 18: Several documents have GET /products. Write which one as document: “Storefront API 1”, “Other API”."
    ]
    named = FILE.replace("endpoint: GET /products\n", "endpoint: GET /products\n    document: Other API\n")
    plan = imported(named, shop, alice)
    assert plan.scenarios.get().steps.all()[0].endpoint.openapi_spec == other  # type: ignore[union-attr]
    assert exported(plan) == named


def test_everything_unknown_is_named_at_once_with_its_line(shop: Project) -> None:
    text = (
        FILE.replace("staging", "prod")
        .replace("users: unique", "people: unique")
        .replace("GET /products", "get /produkts")
    )
    assert problems(text, shop) == [
        "Line 3: There is no environment “prod” in this project. There are: staging.",
        "Line 5: There is no data file “people” in this project. Upload it, or leave it out.",
        "Line 18: There is no endpoint “GET /produkts” in this project. Is “GET /products” meant?",
    ]
    assert not Plan.objects.exists()


def test_a_wrong_value_is_said_with_its_line(shop: Project) -> None:
    text = FILE.replace("duration: 30s", "duration: 30x").replace("time_unit", "timeunit").replace("- '201'", "- 2001")
    assert problems(text, shop) == [
        "Line 10: “30x” is not a duration. Write seconds, or 30s, 2m, 1h30m.",
        "Line 14: “timeunit” is not known here.",
        "Line 33: Write statuses such as 200, 404 or 200-299.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Line 1: This is no plan file. It begins with “metricvault: 1”."),
        ("openapi: 3.0.0", "Line 1: This is no plan file. It begins with “metricvault: 1”."),
        ("- metricvault: 1", "Line 1: This is no plan file. It begins with “metricvault: 1”."),
        ("metricvault: 2", "Line 1: Plan files of version 2 are not known here, only those of version 1."),
        ("metricvault: true", "Line 1: Plan files of version True are not known here, only those of version 1."),
        ("a: 1\nb: [", "Line 3: did not find expected node content"),
        ("a: &x 1\nb: *x", "Line 1: Anchors and aliases (& and *) are not read in a plan file. Write the text out."),
        ("a: !!python/object:os.system x", "Line 1: Tags (!) are not read in a plan file."),
        ("a: 1\na: 2", "Line 2: “a” is written twice."),
        ("a: 1\n---\nb: 2", "Line 2: Another document begins here. A file holds one plan."),
        ("a: 1\n? [x]\n: 2", "Line 2: A name is expected here, followed by a colon."),
        ("a: 1e999", "Line 1: This number is too large."),
        ("[" * 50_000, "Line 1: This is nested too deeply."),
        ("a:\n" + "- x\n" * 100_001, "Line 99998: The file holds more than 100000 values."),
        ("a: 1\nb: \x00", "Line 2: This text has a character that cannot be kept: NUL, or half of a pair."),
    ],
)
def test_what_is_no_plan_file_is_refused_in_words(shop: Project, text: str, message: str) -> None:
    (said,) = problems(text, shop)
    assert said.startswith(message)


def test_bytes_in_another_encoding_and_too_many_of_them_are_refused(shop: Project) -> None:
    with pytest.raises(Refused, match="not text in UTF-8"):
        read_plan("제목".encode("cp949"), shop)
    with pytest.raises(TooLarge, match="5 MB at most"):
        read_plan(b"a" * (5 * 1024**2 + 1), shop)


def test_the_short_form_and_json_are_read_too(shop: Project, alice: User) -> None:
    text = (
        '{"metricvault": 1, "title": "Short", "scenarios": [{"endpoint": "POST /orders", '
        '"body": {"productId": "{{users.email}}"}, "stages": [{"duration": 5, "target": 1}]}]}'
    )
    step = imported(text, shop, alice).scenarios.get().steps.get()
    assert step.body == '{"productId": "{{users.email}}"}'


def test_stages_may_be_one_line(shop: Project, alice: User) -> None:
    text = (
        "metricvault: 1\ntitle: One line\nscenarios:\n- endpoint: GET /products\n  executor: ramping-vus\n"
        "  stages: 2m to 50, hold 10m, 30s to 0\n"
    )
    stages = imported(text, shop, alice).scenarios.get().stages.all()
    assert [(one.duration, one.target) for one in stages] == [(120, 50), (600, 50), (30, 0)]
    said = problems(text.replace("hold 10m", "hold on"), shop)
    assert said[0].startswith("Line 6: ")


def test_placeholders_survive_a_body_that_is_written_as_a_form(shop: Project, alice: User) -> None:
    content = [{"media_type": "application/x-www-form-urlencoded", "value": {}, "text": "", "source": "schema"}]
    make_endpoint(shop, "POST", "/login", request_body={"required": True, "description": "", "content": content})
    text = (
        "metricvault: 1\ntitle: Login\nscenarios:\n- endpoint: POST /login\n  stages: [{duration: 5s, target: 1}]\n"
        "  body:\n    email: '{{users.email}}'\n    note: a b\n"
    )
    step = imported(text, shop, alice).scenarios.get().steps.get()
    assert step.body == "email={{users.email}}&note=a+b"


def test_a_file_replaces_a_plan(shop: Project, alice: User) -> None:
    plan = imported(FILE, shop, alice)
    key, created = plan.pk, plan.created_at
    text = "metricvault: 1\ntitle: New\nscenarios:\n- endpoint: GET /products\n  stages: [{duration: 5s, target: 1}]\n"
    keep(read_plan(text, shop).load_test, shop, alice, plan)
    plan = editing.full_plans().get()
    assert (plan.pk, plan.title, plan.environment, plan.created_at) == (key, "New", None, created)
    assert [str(step.endpoint) for one in plan.scenarios.all() for step in one.steps.all()] == ["GET /products"]


def test_the_documents_example_is_a_plan_file_as_it_is_written(shop: Project, alice: User) -> None:
    page = (Path(__file__).parents[2] / "docs" / "plan-file.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert exported(imported(example, shop, alice)) == example


def test_every_field_is_in_the_documents_lists() -> None:
    page = (Path(__file__).parents[2] / "docs" / "plan-file.md").read_text(encoding="utf-8")
    fields = {name for model in (LoadTestIn, ScenarioIn, StepIn) for name in model.model_fields}
    assert [name for name in sorted(fields) if f"`{name}`" not in page] == []
