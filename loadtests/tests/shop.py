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
    return make_endpoints(project, {"method": method, "path": path, **changed})[0]


def make_endpoints(project: Project, *rows: dict[str, Any]) -> list[Endpoint]:
    """Endpoints of the project's document, each under a tag of its first path segment."""
    spec = project.openapi_specs.get()
    tags = {tag.name: tag for tag in spec.tags.all()}
    count = spec.endpoints.count()
    given = [
        Endpoint(openapi_spec=spec, position=count + at, **{"method": "GET", "path": "/products", **row})
        for at, row in enumerate(rows)
    ]
    endpoints = Endpoint.objects.bulk_create(given)
    names = [endpoint.path.strip("/").partition("/")[0] or "root" for endpoint in endpoints]
    new: dict[str, int] = {}
    for name, endpoint in zip(names, endpoints, strict=True):
        if name not in tags:
            new.setdefault(name, endpoint.position)
    made = Tag.objects.bulk_create(Tag(openapi_spec=spec, name=name, position=at) for name, at in new.items())
    tags.update((tag.name, tag) for tag in made)
    tagged = Endpoint.tags.through
    tagged.objects.bulk_create(
        tagged(endpoint=endpoint, tag=tags[name]) for endpoint, name in zip(endpoints, names, strict=True)
    )
    return endpoints


def make_shop(owner: User, member: User | None = None) -> tuple[Project, list[Endpoint]]:
    """A project with a list, a detail with a path parameter without example, and an order with a body."""
    project = make_project(owner)
    if member:
        Membership.objects.create(project=project, user=member)
    endpoints = make_endpoints(
        project,
        {"summary": "List products", "parameters": [parameter("limit", "query", 10, required=False)]},
        {"path": "/products/{productId}", "parameters": [parameter("productId", "path")]},
        {"method": "POST", "path": "/orders", "request_body": body(), "summary": "주문하기"},
    )
    return project, endpoints


def make_plan(project: Project, *endpoints: Endpoint, title: str = "Evening peak") -> Plan:
    """A saved plan with a scenario of 5 users for 30 s for each endpoint, without any values."""
    plan = Plan.objects.create(project=project, title=title)
    for position, endpoint in enumerate(endpoints):
        scenario = Scenario.objects.create(plan=plan, position=position, name=str(endpoint))
        Step.objects.create(scenario=scenario, endpoint=endpoint)
        Stage.objects.create(scenario=scenario, duration=30, target=5)
    return plan
