"""Things inside of things: a key in a body, a filter or an address leads to nothing of another project."""

import re
from typing import Any

import pytest
from django.db.models import F, Q

from history.models import RunNote, ScenarioHistory, StepHistory, TestHistory
from loadtests.models import Plan, Stage, Step, Try
from projects.models import DataFile, Endpoint, Environment, Membership, OpenApiSpec
from tests.access.conftest import Asking
from tests.access.operation_table import LOAD
from tests.access.page_bodies import PLAN_FILE, RESULT, File
from tests.access.rows import Row, send, with_files
from tests.access.world import World

pytestmark = pytest.mark.django_db
WORD = b"elsewhere"
# Of each: method, address, body; what alice, a stranger to the other project, may be answered.
CASES: list[tuple[str, str, dict[str, Any], set[int]]] = [
    ("POST", "/load-testing", {**LOAD, "project_id": "{other_project}"}, {422}),
    ("POST", "/load-testing", {**LOAD, "environment_id": "{other_environment}"}, {422}),
    ("POST", "/load-testing", {**LOAD, "environment": "elsewhere spare"}, {422}),
    ("POST", "/load-testing", {**LOAD, "data": {"elsewhere_data": "random"}}, {422}),
    ("POST", "/load-testing", {**LOAD, "scenarios": [{**LOAD["scenarios"][0], "endpoint_id": "{other_endpoint}"}]},
     {422}),
    ("POST", "/load-testing/preview", {**LOAD, "environment_id": "{other_environment}"}, {422}),
    ("POST", "/load-testing/try", {**LOAD, "environment_id": "{other_environment}"}, {422}),
    ("POST", "/plan/file", {"project_id": "{project}", "plan_id": "{other_plan}", "file": PLAN_FILE}, {404, 422}),
    ("POST", "/plan/file", {"project_id": "{project}", "file": f"{PLAN_FILE}environment: elsewhere spare\n"}, {422}),
    ("GET", "/test-history/compare?runs={run},{other_run}", {}, {404}),
    ("GET", "/test-history/compare?runs={run},{trashed}", {}, {404}),
    ("GET", "/test-history/trends?endpoint={other_endpoint}", {}, {404}),
    ("GET", "/test-history/trends?plan_id={other_plan}", {}, {404}),
    ("GET", "/test-history/regressions?project_id={other_project}", {}, {404}),
    ("GET", "/test-history/simple?project_id={other_project}", {}, {200}),
    ("GET", "/test-history/simple?plan_id={other_plan}&q=elsewhere", {}, {200}),
    ("GET", "/test-history/simple?label=elsewhere", {}, {200}),
    ("GET", "/openapi?project_id={other_project}", {}, {200}),
    ("GET", "/endpoint?openapi_spec_id={other_spec}", {}, {404}),
    ("GET", "/environment?project_id={other_project}", {}, {404}),
    ("GET", "/data-file?project_id={other_project}", {}, {404}),
    ("GET", "/plan?project_id={other_project}", {}, {404}),
    ("GET", "/test-history/{other_run}/wait?timeout=0", {}, {404}),
    ("GET", "/test-history/{trashed}/details", {}, {404}),
    ("GET", "/test-history/{trashed}/export.json", {}, {404}),
    ("GET", "/runs/{trashed}/", {}, {404}),
    ("GET", "/runs/{trashed}/log", {}, {404}),
    ("PATCH", "/test-history/{run}/notes/{other_note}", {"text": "mine"}, {404}),
    ("PATCH", "/test-history/{run}/notes/{ran_note}", {"text": "mine"}, {404}),
    ("DELETE", "/test-history/{run}/notes/{ran_note}", {}, {404}),
    ("POST", "/runs/{run}/notes/{ran_note}/delete", {}, {404}),
    ("POST", "/test-history/{other_trashed}/restore", {}, {404}),
    ("POST", "/runs/restore/", {"runs": ["{other_trashed}"]}, {302}),
    ("POST", "/runs/delete/", {"runs": ["{other_run}", "{other_ran}"]}, {302}),
    ("GET", "/runs/delete/ask/?runs={other_run}", {}, {200}),
    ("GET", "/runs/chosen/?runs={other_run}&runs={other_ran}", {}, {200}),
    ("GET", "/runs/?runs={other_run}", {}, {200}),
    ("GET", "/runs/?plan={other_plan}", {}, {200}),
    ("GET", "/runs/?project={other_project}&label=x", {}, {200}),
    ("GET", "/runs/compare/?runs={run}&runs={other_run}", {}, {404}),
    ("GET", "/runs/trends/?project={other_project}", {}, {404}),
    ("GET", "/runs/trends/?project={other_project}&request=GET%20/orders", {}, {404}),
    ("GET", "/tests/?project={other_project}", {}, {200}),
    ("GET", "/tests/new?project={other_project}", {}, {404}),
    ("POST", "/tests/new", {"project": "{project}", "endpoint": "{other_endpoint}", "title": "x"}, {422}),
    ("POST", "/tests/import", {"project": "{project}", "plan": "{other_plan}", "text": PLAN_FILE}, {302}),
    ("POST", "/runs/import/", {"project": "{other_project}", "file": File("k6.json", RESULT)}, {404}),
    ("POST", "/tests/{plan}/save", {"environment_id": "{other_environment}"}, {200, 302}),
    ("POST", "/tests/{plan}/add", {"endpoint": "{other_endpoint}"}, {422}),
    ("GET", "/tests/{plan}/?scenario={other_scenario}&step={other_step}", {}, {200}),
    ("POST", "/tests/scenarios/{scenario}/steps/add", {"endpoint": "{other_endpoint}"}, {422}),
    ("POST", "/tests/scenarios/{scenario}/save", {"step": "{other_step}", "open": "{other_step}"}, {200, 302}),
    ("POST", "/tests/scenarios/{scenario}/stages/{other_stage}/delete", {}, {200, 302, 404}),
    ("POST", "/tests/scenarios/{scenario}/stages/{other_stage}/duplicate", {}, {200, 302, 404}),
    ("POST", "/tests/scenarios/{scenario}/stages/{other_stage}/up", {}, {200, 302, 404}),
    ("POST", "/tests/scenarios/{scenario}/stages/order", {"order": "{other_stage}"}, {200, 302}),
    ("POST", "/tests/scenarios/{scenario}/steps/{other_step}/reset", {}, {404}),
    ("POST", "/tests/scenarios/{scenario}/steps/{other_step}/delete", {}, {200, 302, 404}),
    ("POST", "/tests/scenarios/{scenario}/steps/{other_step}/duplicate", {}, {200, 302, 404}),
    ("POST", "/tests/scenarios/{scenario}/steps/{other_step}/check/add", {}, {404}),
    ("POST", "/tests/tries/{other_try}/steps/0/take", {"pick": "json:$.user.id"}, {404}),
    ("GET", "/projects/{project}/import?spec={other_spec}", {}, {200}),
    ("POST", "/projects/{project}/environments/login", {"environment": "{other_environment}"}, {404}),
    ("POST", "/projects/{project}/people/{charlie}", {"role": "member"}, {404}),
    ("POST", "/projects/{project}/people/{charlie}/remove", {}, {404}),
    ("POST", "/projects/{project}/people/{charlie}/owner", {}, {404}),
    ("POST", "/accounts/tokens/", {"name": "x", "scope": "read", "project": "{other_project}", "days": "30"}, {422}),
]  # fmt: skip
STARTS = ("/load-testing", "/plan", "/test-history", "/openapi", "/endpoint", "/environment", "/data-file")


def request_of(method: str, address: str) -> Row:
    is_api = address.startswith(STARTS)
    return Row("", method, f"{method} {address}" if is_api else address, {}, "", is_api)


def foreign_rows(world: World) -> list[Any]:
    """All that the other project consists of."""
    key = world.keys["other_project"]
    below = {"project": (Plan, Environment, DataFile, TestHistory, Try, OpenApiSpec, Membership),
             "scenario__plan__project": (Step, Stage), "test_history__project": (RunNote, ScenarioHistory)}  # fmt: skip
    return [list(model.objects.filter(**{way: key}).order_by("pk").values())
            for way, models in below.items() for model in models]  # fmt: skip


def ties() -> list[int]:
    """How many rows are tied to a row of another project."""
    return [
        Step.objects.exclude(endpoint=None).exclude(scenario__plan__project=F("endpoint__openapi_spec__project")).count(),
        Plan.objects.exclude(environment=None).exclude(project=F("environment__project")).count(),
        TestHistory.objects.exclude(plan=None).exclude(project=F("plan__project")).count(),
        Try.objects.exclude(plan=None).exclude(project=F("plan__project")).count(),
        *(model.objects.filter(~Q(endpoint=None)).exclude(**{way: F("endpoint__openapi_spec__project")}).count()
          for model, way in ((ScenarioHistory, "test_history__project"),
                             (StepHistory, "scenario__test_history__project"))),
        Endpoint.everything.exclude(tags=None).exclude(tags__openapi_spec=F("openapi_spec")).count(),
    ]  # fmt: skip


@pytest.mark.parametrize(("method", "address", "body", "answers"), CASES, ids=lambda one: str(one)[:60])
def test_nothing_of_another_project_is_reached(
    world: World, asking: Asking, method: str, address: str, body: dict[str, Any], answers: set[int]
) -> None:
    row, writes = request_of(method, address), method != "GET"
    before, tied = (foreign_rows(world), ties()) if writes else ([], [])
    for whose in ("owner", "member") if writes else ("owner",):  # bob is in both projects: he must not mix them, either
        with asking(world.personae[whose]) as client:
            response = send(client, row, world.fill(address), with_files(world.fill(body)))
            content = b"" if response.streaming else response.content
            assert not writes or ties() == tied, (whose, response.status_code, content[:500])
            if whose == "owner":
                assert response.status_code in answers, content[:500]
                assert WORD not in without_what_was_asked(content), content[:2000]
                assert not writes or foreign_rows(world) == before


def without_what_was_asked(content: bytes) -> bytes:
    """What was sent may come back: in a field, in a sentence that quotes it."""
    return re.sub(
        rb'value="elsewhere"|elsewhere_data|elsewhere spare|q=elsewhere|label=elsewhere', b"", content.lower()
    )
