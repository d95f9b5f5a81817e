"""A project with an API document of a few endpoints: alice owns it, bob is a member, charlie a stranger."""

from typing import Any

from django.contrib.auth.models import User

from loadtests.models import Plan, Scenario, Stage, Step
from projects.models import Endpoint, Membership, OpenApiSpec, Project, Tag

ORDER = {"productId": "p-1", "quantity": 2}
ORDER_TEXT = '{\n  "productId": "p-1",\n  "quantity": 2\n}'


def parameter(name: str, place: str, value: Any = None, required: bool = True, **changed: Any) -> dict[str, Any]:
    """A parameter in normal form."""
    plain = {
        "name": name,
        "in": place,
        "required": required,
        "description": "",
        "deprecated": False,
        "style": "simple" if place in ("path", "header") else "form",
        "explode": place in ("query", "cookie"),
        "schema": {"type": "string"},
        "value": value,
        "source": "none" if value is None else "example",
    }
    return {**plain, **changed}


def body(required: bool = True, **changed: Any) -> dict[str, Any]:
    """A JSON request body in normal form."""
    content = {"media_type": "application/json", "value": ORDER, "text": ORDER_TEXT, "source": "schema"}
    return {"required": required, "description": "", "content": [{**content, **changed}]}


def make_project(owner: User, title: str = "Storefront", base_url: str = "https://api.example.com/v1/") -> Project:
    """A project of `owner` with one document."""
    project = Project.objects.create(title=title, owner=owner)
    OpenApiSpec.objects.create(project=project, title=f"{title} API", version="1", base_url=base_url)
    return project


def make_endpoint(project: Project, method: str = "GET", path: str = "/products", **changed: Any) -> Endpoint:
    """An endpoint of the project's document under a tag of its first path segment."""
    spec = project.openapi_specs.get()
    count = spec.endpoints.count()
    endpoint = Endpoint.objects.create(openapi_spec=spec, method=method, path=path, position=count, **changed)
    name = path.strip("/").partition("/")[0] or "root"
    endpoint.tags.add(Tag.objects.get_or_create(openapi_spec=spec, name=name, defaults={"position": count})[0])
    return endpoint


def make_shop(owner: User, member: User | None = None) -> tuple[Project, list[Endpoint]]:
    """A project with a list, a detail with a path parameter without example, and an order with a body."""
    project = make_project(owner)
    if member:
        Membership.objects.create(project=project, user=member)
    endpoints = [
        make_endpoint(project, summary="List products", parameters=[parameter("limit", "query", 10, required=False)]),
        make_endpoint(project, path="/products/{productId}", parameters=[parameter("productId", "path")]),
        make_endpoint(project, "POST", "/orders", request_body=body(), summary="주문하기"),
    ]
    return project, endpoints


def make_plan(project: Project, *endpoints: Endpoint, title: str = "Evening peak") -> Plan:
    """A saved plan with a scenario of 5 users for 30 s for each endpoint, without any values."""
    plan = Plan.objects.create(project=project, title=title)
    for position, endpoint in enumerate(endpoints):
        scenario = Scenario.objects.create(plan=plan, position=position, name=str(endpoint))
        Step.objects.create(scenario=scenario, endpoint=endpoint)
        Stage.objects.create(scenario=scenario, duration=30, target=5)
    return plan
