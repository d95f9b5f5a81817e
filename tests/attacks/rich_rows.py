"""Rows of the world that have something in every text field, as the normal forms of the product have it."""

from django.utils import timezone

from history.models import FailedRequest, TestHistory
from loadtests.models import Plan, Scenario, Step, Try
from loadtests.tests.shop import body, parameter
from projects.models import DocumentImport, Endpoint, Environment, OpenApiSpec, Tag, Validation
from tests.access.world import World

SERVER = {"url": "https://a.example/v1", "template": "https://{host}/v1", "description": "A server", "variables": {}}


def enrich(world: World) -> None:
    """Fills what is empty in the world."""
    shop = world.keys["project"]
    OpenApiSpec.objects.filter(project=shop).update(
        servers=[SERVER], warnings=[{"where": "a", "template": "Odd: %(what)s", "values": {"what": "b"}}]
    )
    spec = OpenApiSpec.objects.get(pk=world.keys["spec"])
    Validation.objects.create(
        openapi_spec=spec,
        document_hash=spec.document_hash,
        state=Validation.State.DONE,
        changed_at=timezone.now(),
        findings=[{"where": "paths", "template": "%(what)s is odd", "values": {"what": "this"}}],
        finding_count=1,
    )
    Tag.objects.filter(openapi_spec=spec).update(description="What it is for")
    Endpoint.everything.filter(openapi_spec=spec).update(
        parameters=[parameter("id", "path", "7", description="which"), parameter("q", "query", "x", required=False)],
        request_body=body(),
        security=[[{"scheme": "key", "scopes": ["read"]}]],
        servers=[SERVER],
        missing=["id"],
        summary="Summary",
        description="Description",
        operation_id="operation",
        base_url="https://a.example",
    )
    _enrich_plans(world)


def _enrich_plans(world: World) -> None:
    shop = world.keys["project"]
    Environment.objects.filter(project=shop).update(
        base_url="https://a.example",
        headers=[{"name": "X-Tenant", "value": "acme"}],
        variables=[{"name": "tenant", "value": "acme", "secret": False}],
    )
    Step.objects.filter(pk=world.keys["step"]).update(
        name="Step",
        headers=[{"name": "X-A", "value": "b"}],
        values={"path": {"id": "7"}, "query": {"q": "x"}},
        checks=[{"kind": "contains", "target": "", "value": "ok"}],
        extracts=[{"name": "token", "kind": "json", "expression": "$.token"}],
        content_type="application/json",
    )
    Plan.objects.filter(project=shop).update(drafts={"response_time_target": "soon"})
    Scenario.objects.filter(plan__project=shop).update(drafts={"think_time": "a bit"})
    FailedRequest.objects.update(checks=["body is right"], error="broken pipe")
    Try.objects.update(log="a log")
    TestHistory.objects.filter(pk=world.keys["run"]).update(
        description="What it was for", log="level=warning msg=odd\n", answers={"500": 3}
    )
    changes = {"added": [["GET", "/a"]], "changed": [["GET", "/b", ["summary"]]], "removed": [["GET", "/c"]],
               "about": [["title", "a", "b"]], "plans": [[world.keys["plan"], "A plan"]]}  # fmt: skip
    DocumentImport.objects.update(
        changes=changes, url="https://a.example/openapi.json", found_url="https://a.example/o"
    )
