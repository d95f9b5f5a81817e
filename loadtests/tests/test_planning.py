"""What may be asked: the same rules, and the same sentences, for pages and API."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from loadtests import planning
from loadtests.fields import seconds
from loadtests.k6.curves import peak_vus
from loadtests.k6.plan import RequestPlan, StepPlan
from loadtests.models import Step
from loadtests.tests.shop import (
    ORDER_TEXT,
    body,
    make_endpoint,
    make_plan,
    make_project,
    make_shop,
    parameter,
)
from metricvault.lib.errors import Malformed, NotAllowed, Refused, TooLarge
from projects.models import Endpoint, Membership

Payload = dict[str, Any]


def asked(endpoint: Endpoint | int, **changed: Any) -> Payload:
    """The short form of `POST /load-testing` for one endpoint; `changed` are fields of its scenario."""
    key = endpoint if isinstance(endpoint, int) else endpoint.pk
    stages = [{"duration": 30, "target": 5}]
    scenario = {"name": "Browse", "endpoint_id": key, "executor": "constant-vus", "stages": stages}
    return {"title": "Peak", "scenarios": [{**scenario, **changed}]}


def problems(payload: Any, user: User | None = None) -> dict[str, str]:
    """The problems found, by field."""
    try:
        load_test = planning.read(payload)
        assert user is not None, "nothing is wrong with the text"
        planning.build(load_test, user)
    except Refused as refusal:
        return {detail.field: detail.message for detail in refusal.details}
    pytest.fail("nothing is wrong")


def request_of(user: User, endpoint: Endpoint, **changed: Any) -> RequestPlan:
    built = planning.build(planning.read(asked(endpoint, **changed)), user)
    return built.plan.scenarios[0].steps[0].request


@pytest.mark.parametrize(
    ("written", "read"),
    [(30, 30), (0.5, 0.5), ("30", 30), ("30s", 30), ("2m", 120), ("1h30m", 5400), ("500ms", 0.5), ("1h 5M", 3900)],
)
def test_a_duration_is_seconds_or_k6_text(written: object, read: float) -> None:
    assert seconds(written) == read


@pytest.mark.parametrize("written", ["10x", "", "-5", -1, "s", True, None, [], "9" * 400, 1e12, "5 minutes", "1e3"])
def test_anything_else_is_no_duration(written: object) -> None:
    found = problems(asked(1, stages=[{"duration": written, "target": 5}]))
    assert found["scenarios.0.stages.0.duration"]


def test_the_sentence_names_what_was_written() -> None:
    found = problems(asked(1, stages=[{"duration": "10x", "target": 5}]))
    assert found == {
        "scenarios.0.stages.0.duration": "“10x” is not a duration. Write seconds, or 30s, 2m, 1h30m.",
    }


@pytest.mark.parametrize(
    ("field", "payload"),
    [
        ("title", {"scenarios": asked(1)["scenarios"]}),
        ("title", {**asked(1), "title": "  "}),
        ("title", {**asked(1), "title": "x" * 201}),
        ("title", {**asked(1), "title": 5}),
        ("title", {**asked(1), "title": "a\x00b"}),
        ("title", {**asked(1), "title": "half \ud83d"}),
        ("target_tps", {**asked(1), "target_tps": -1}),
        ("target_tps", {**asked(1), "target_tps": float("inf")}),
        ("project_id", {**asked(1), "project_id": "one"}),
        ("scenarios", {"title": "Peak"}),
        ("scenarios", {"title": "Peak", "scenarios": []}),
        ("scenarios", {"title": "Peak", "scenarios": "all"}),
        ("scenarios", {"title": "Peak", "scenarios": asked(1)["scenarios"] * 51}),
        ("scenarios.0", {"title": "Peak", "scenarios": [5]}),
        ("scenarios.0.name", asked(1, name="x" * 201)),
        ("scenarios.0.endpoint_id", asked(0)),
        ("scenarios.0.endpoint_id", asked(10**30)),
        ("scenarios.0.endpoint_id", asked(1, endpoint_id=None)),
        ("scenarios.0.executor", asked(1, executor="externally-controlled")),
        ("scenarios.0.think_time", asked(1, think_time=-1)),
        ("scenarios.0.response_time_target", asked(1, response_time_target=0)),
        ("scenarios.0.error_rate_target", asked(1, error_rate_target=101)),
        ("scenarios.0.stages", asked(1, stages=[])),
        ("scenarios.0.stages.0.target", asked(1, stages=[{"duration": 1}])),
        ("scenarios.0.stages.0.target", asked(1, stages=[{"duration": 1, "target": 1.5}])),
        ("scenarios.0.stages.0.target", asked(1, stages=[{"duration": 1, "target": True}])),
        ("scenarios.0.stages.0.target", asked(1, stages=[{"duration": 1, "target": -1}])),
        ("scenarios.0.stages.0.target", asked(1, stages=[{"duration": 1, "target": 0}])),
        ("scenarios.0.stages.0.duration", asked(1, stages=[{"duration": 0, "target": 1}])),
        ("scenarios.0.parameters.path", asked(1, parameters={"path": [1]})),
        ("scenarios.0.headers.X-A", asked(1, headers={"X-A": 5})),
    ],
)  # fmt: skip
def test_it_names_the_field_that_is_wrong(field: str, payload: Payload) -> None:
    found = problems(payload)
    assert list(found) == [field]
    assert found[field].endswith((".", "kept: NUL, or half of a pair."))


def test_every_problem_is_told_at_once() -> None:
    payload = asked(1, stages=[{"duration": "10x", "target": -1}], think_time=-1)
    second = {"endpoint_id": 2, "stages": [{"duration": 10, "target": 0}]}
    found = problems({"scenarios": [*payload["scenarios"], second]})
    assert set(found) == {
        "title",
        "scenarios.0.think_time",
        "scenarios.0.stages.0.duration",
        "scenarios.0.stages.0.target",
        "scenarios.1.stages.0.target",
    }


@pytest.mark.parametrize(
    ("field", "stages"),
    [("stages.0.target", [(1, 1_000_000)]), ("stages.1.duration", [(1, 1), ("5h", 1)])],
)
def test_more_than_is_allowed_is_refused(alice: User, field: str, stages: list[tuple[Any, int]]) -> None:
    endpoint = make_endpoint(make_project(alice))
    payload = asked(endpoint, stages=[{"duration": duration, "target": target} for duration, target in stages])
    assert list(problems(payload, alice)) == [f"scenarios.0.{field}"]


@override_settings(METRICVAULT_MAX_VUS=100)
def test_scenarios_share_the_cap_on_users(alice: User) -> None:
    endpoint = make_endpoint(make_project(alice))
    one = asked(endpoint, stages=[{"duration": 10, "target": 60}])["scenarios"][0]
    found = problems({"title": "Peak", "scenarios": [one, one]}, alice)
    assert found == {"scenarios": "The scenarios together ask for 120 users at once; at most 100 are allowed."}


def test_what_is_no_object_is_malformed() -> None:
    with pytest.raises(Malformed):
        planning.read([])


@pytest.mark.parametrize("content", ["x" * 5_000_000, {"text": "x" * 5_000_000}])
def test_a_body_of_5_mb_is_too_large(content: object) -> None:
    with pytest.raises(TooLarge) as refusal:
        planning.read(asked(1, body=content))
    assert [detail.field for detail in refusal.value.details] == ["scenarios.0.body"]


def test_a_thousand_levels_are_no_load_test() -> None:
    nested: list[Any] = []
    for _level in range(100_000):
        nested = [nested]
    with pytest.raises(Refused, match="nested"):
        planning.read(asked(1, body=nested))


def test_the_short_form_of_old_callers_works(alice: User) -> None:
    project, (products, _detail, _order) = make_shop(alice)
    stages = [{"duration": 10, "target": 5}, {"duration": "1m", "target": 8}]
    built = planning.build(planning.read(asked(products, stages=stages)), alice)
    assert built.project == project
    assert built.endpoints == ((products,),)
    assert built.warnings == ()
    scenario = built.plan.scenarios[0]
    assert (scenario.tag, scenario.name, scenario.executor) == ("s01_browse", "Browse", "constant-vus")
    assert peak_vus(built.plan) == 8
    request = RequestPlan("GET", "https://api.example.com/v1/products", "GET /products", (), None)
    assert scenario.steps == (StepPlan("", request),)


def test_a_member_may_build_a_reader_may_not_a_stranger_sees_nothing(alice: User, bob: User, charlie: User) -> None:
    project, (products, *_rest) = make_shop(alice, bob)
    load_test = planning.read(asked(products))
    assert planning.build(load_test, bob).project == project
    assert list(problems(asked(products), charlie)) == ["scenarios.0.endpoint_id"]
    assert list(problems({**asked(products), "project_id": project.pk}, charlie)) == ["project_id"]
    Membership.objects.update(role=Membership.Role.READER)
    with pytest.raises(NotAllowed):
        planning.build(load_test, bob)


def test_unknown_projects_and_endpoints_and_those_of_other_projects_are_refused(alice: User) -> None:
    project, (products, *_rest) = make_shop(alice)
    other = make_endpoint(make_project(alice, "Other"))
    assert list(problems({**asked(products), "project_id": 999_999}, alice)) == ["project_id"]
    assert list(problems(asked(999_999), alice)) == ["scenarios.0.endpoint_id"]
    found = problems({**asked(other), "project_id": project.pk}, alice)
    assert found == {"scenarios.0.endpoint_id": "GET /products belongs to another project."}
    mixed = {"title": "Peak", "scenarios": [*asked(products)["scenarios"], *asked(other)["scenarios"]]}
    assert list(problems(mixed, alice)) == ["scenarios.1.endpoint_id"]


def test_a_missing_required_value_is_named(alice: User) -> None:
    project, (_products, detail, order) = make_shop(alice)
    found = problems(asked(detail, name="Detail"), alice)
    assert found == {
        "scenarios.0.parameters.path.productId": "Scenario “Detail” needs a value for path parameter productId."
    }
    assert list(problems(asked(order, body=" "), alice)) == ["scenarios.0.body"]
    search = make_endpoint(project, path="/search", parameters=[parameter("q", "query"), parameter("X-Key", "header")])
    assert set(problems(asked(search), alice)) == {
        "scenarios.0.parameters.query.q",
        "scenarios.0.parameters.header.X-Key",
    }
    cleared = asked(search, parameters={"query": {"q": ""}, "header": {"x-key": "k"}})
    assert list(problems(cleared, alice)) == ["scenarios.0.parameters.query.q"]


@pytest.mark.parametrize("base_url", ["", "/v1", "ftp://api.example.com", "http://", "https://host:port/"])
def test_without_a_base_url_nothing_can_be_sent(alice: User, base_url: str) -> None:
    endpoint = make_endpoint(make_project(alice, base_url=base_url))
    found = problems(asked(endpoint), alice)
    assert "has no base URL" in found["scenarios.0.endpoint_id"]


def test_required_values_come_from_the_document_and_optional_ones_are_left_out(alice: User) -> None:
    parameters = [parameter("id", "path", "7 8"), parameter("q", "query", "한국"), parameter("page", "query", 2, False)]
    endpoint = make_endpoint(make_project(alice), path="/a/{id}", parameters=parameters)
    assert request_of(alice, endpoint).url == "https://api.example.com/v1/a/7%208?q=%ED%95%9C%EA%B5%AD"
    given = request_of(alice, endpoint, parameters={"path": {"id": 1}, "query": {"page": "3", "extra": "x"}})
    assert given.url == "https://api.example.com/v1/a/1?q=%ED%95%9C%EA%B5%AD&page=3&extra=x"
    assert given.name == "GET /a/{id}"


def test_headers_and_cookies_are_sent(alice: User) -> None:
    parameters = [parameter("X-Key", "header", "k1"), parameter("session", "cookie", "s 1")]
    endpoint = make_endpoint(make_project(alice), "POST", "/a", parameters=parameters, request_body=body())
    request = request_of(alice, endpoint, headers={"x-key": "k2", "Accept": "text/plain"})
    assert request.headers == (
        ("x-key", "k2"),
        ("Accept", "text/plain"),
        ("Cookie", "session=s%201"),
        ("Content-Type", "application/json"),
    )


@pytest.mark.parametrize("headers", [{"X A": "1"}, {"X-A": "a\r\nX-B: b"}, {"Content-Length": "5"}])
def test_a_header_that_cannot_be_set_is_refused(alice: User, headers: dict[str, str]) -> None:
    endpoint = make_endpoint(make_project(alice))
    assert list(problems(asked(endpoint, headers=headers), alice)) == [f"scenarios.0.headers.{next(iter(headers))}"]


def test_a_body_is_the_example_or_what_was_given(alice: User) -> None:
    _project, (_products, _detail, order) = make_shop(alice)
    assert request_of(alice, order).body == ORDER_TEXT
    assert request_of(alice, order, body={"이름": "차"}).body == '{"이름": "차"}'
    assert request_of(alice, order, body='{"a":1}').body == '{"a":1}'
    xml = request_of(alice, order, body="<a/>", content_type="application/xml")
    assert (xml.body, dict(xml.headers)["Content-Type"]) == ("<a/>", "application/xml")


def test_an_optional_body_can_be_left_out(alice: User) -> None:
    endpoint = make_endpoint(make_project(alice), "PATCH", "/a", request_body=body(required=False))
    assert request_of(alice, endpoint).body == ORDER_TEXT
    request = request_of(alice, endpoint, body="")
    assert (request.body, request.headers) == (None, ())


def test_forms_are_written_as_forms(alice: User) -> None:
    project = make_project(alice)
    form = make_endpoint(project, "POST", "/f", request_body=body(media_type="application/x-www-form-urlencoded"))
    assert request_of(alice, form, body={"a": "1 2", "b": "한"}).body == "a=1+2&b=%ED%95%9C"
    multipart = make_endpoint(project, "POST", "/m", request_body=body(media_type="multipart/form-data; boundary=b"))
    request = request_of(alice, multipart, body="--b\nx\n--b--\n", content_type="multipart/form-data")
    assert request.body == "--b\r\nx\r\n--b--\r\n"
    assert dict(request.headers)["Content-Type"] == "multipart/form-data; boundary=b"
    request = request_of(alice, multipart, body={"a": 1})
    assert request.body == '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'


def test_values_of_forms_are_written_as_the_document_says(alice: User) -> None:
    project = make_project(alice)
    kinds = {"tags": {"style": "pipeDelimited", "explode": False}, "photo": {"file": True, "content_type": "image/png"}}
    form = body(media_type="application/x-www-form-urlencoded", encoding=kinds)
    endpoint = make_endpoint(project, "POST", "/f", request_body=form)
    assert request_of(alice, endpoint, body={"tags": ["a", "b"]}).body == "tags=a%7Cb"
    endpoint = make_endpoint(project, "POST", "/m", request_body=body(media_type="multipart/form-data", encoding=kinds))
    request = request_of(alice, endpoint, body={"photo": "x"})
    boundary = dict(request.headers)["Content-Type"].partition("boundary=")[2]
    assert str(request.body).startswith(f"--{boundary}\r\n")
    assert 'filename="metric-vault.txt"\r\nContent-Type: image/png' in str(request.body)


def test_json_that_is_none_is_a_warning(alice: User) -> None:
    _project, (_products, _detail, order) = make_shop(alice)
    built = planning.build(planning.read(asked(order, body="{")), alice)
    assert [warning.field for warning in built.warnings] == ["scenarios.0.body"]


def test_what_is_not_known_is_named_in_a_warning(alice: User) -> None:
    _project, (products, *_rest) = make_shop(alice)
    built = planning.build(planning.read({**asked(products, thinktime=5), "color": "red"}), alice)
    assert [warning.field for warning in built.warnings] == ["color", "scenarios.0.thinktime"]


def test_a_korean_host_name_is_written_for_machines(alice: User) -> None:
    endpoint = make_endpoint(make_project(alice, base_url="http://한국.example:8001/끝"))
    assert request_of(alice, endpoint).url == "http://xn--3e0b707e.example:8001/%EB%81%9D/products"


def test_a_saved_plan_asks_for_the_same_as_its_payload(alice: User) -> None:
    project, (products, _detail, order) = make_shop(alice)
    plan = make_plan(project, products, order)
    steps = Step.objects.filter(scenario__plan=plan, endpoint=order)
    steps.update(body=ORDER_TEXT, values={"query": {"a": "1"}})
    plan.scenarios.filter(steps__endpoint=order).update(think_time=1.5)
    built = planning.build(planning.read(planning.from_plan(plan)), alice)
    assert planning.review(plan).built == built
    assert built.plan.scenarios[1].steps[0].request.body == ORDER_TEXT
    assert built.plan.scenarios[1].steps[0].request.url.endswith("/orders?a=1")


def test_a_review_finds_everything_that_is_wrong_with_a_saved_plan(alice: User) -> None:
    project, (products, detail, order) = make_shop(alice)
    plan = make_plan(project, products, detail, order)
    Step.objects.filter(scenario__plan=plan, endpoint=products).update(endpoint=None)
    reviewed = planning.review(plan)
    assert reviewed.built is None
    assert {problem.field for problem in reviewed.problems} == {
        "scenarios.0.steps.0.endpoint_id",
        "scenarios.1.steps.0.parameters.path.productId",
        "scenarios.2.steps.0.body",
    }


def test_a_preview_shows_what_would_happen_and_makes_nothing(alice: User) -> None:
    _project, (products, *_rest) = make_shop(alice)
    shown = planning.preview(planning.build(planning.read(asked(products, executor="ramping-vus")), alice))
    assert (shown["duration"], shown["peak_vus"], shown["estimated_requests"]) == (30, 5, None)
    assert "const PLAN" in shown["script"]
    assert shown["plan"]["scenarios"][0]["steps"][0]["request"]["url"].startswith("https://api.example.com/")
    assert shown["warnings"] == []


def test_the_schema_stands_on_its_own() -> None:
    schema = planning.json_schema()
    assert "$ref" not in str(schema)
    assert set(schema["required"]) == {"title", "scenarios"}


def test_planning_takes_a_constant_number_of_queries(alice: User, django_assert_max_num_queries: Any) -> None:
    project = make_project(alice)
    endpoints = [make_endpoint(project, path=f"/p{number}") for number in range(20)]
    load_test = planning.read({"title": "Peak", "scenarios": [asked(one)["scenarios"][0] for one in endpoints]})
    with django_assert_max_num_queries(5):
        planning.build(load_test, alice)


@pytest.mark.parametrize(
    ("said", "default", "expected"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_the_load_test_or_else_the_copy_says_whether_k6s_own_report_is_kept(
    alice: User, said: bool | None, default: bool, expected: bool
) -> None:
    _project, (products, *_rest) = make_shop(alice)
    with override_settings(METRICVAULT_K6_DASHBOARD=default):
        built = planning.build(planning.read({**asked(products), "k6_dashboard": said}), alice)
    assert built.plan.k6_dashboard is expected
