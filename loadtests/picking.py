"""Choosing endpoints for scenarios: a search by tag with check boxes, and what is chosen so far."""

from typing import Any

from django.http import QueryDict

from loadtests.payload import MOST_SCENARIOS
from projects import catalogue
from projects.models import Endpoint, Project

SHOWN = 200
_COLUMNS = ("description", "parameters", "request_body", "openapi_spec__document")


def chosen_endpoints(project: Project, asked: QueryDict) -> list[Endpoint]:
    """The endpoints that `?endpoint=` names, of this project only, in the order of the document."""
    keys = {int(key) for key in asked.getlist("endpoint") if key.isdecimal() and len(key) < 19}
    endpoints = Endpoint.objects.filter(openapi_spec__project=project, pk__in=keys)
    return list(endpoints.order_by("openapi_spec_id", "position", "id")[:MOST_SCENARIOS])


def context(project: Project, asked: QueryDict) -> dict[str, Any]:
    """The endpoints that a search finds, grouped by tag, and the chosen ones among and beside them."""
    search = asked.get("q", "").replace("\x00", "").strip()
    everything = Endpoint.objects.filter(openapi_spec__project=project)
    found = catalogue.by_tag(catalogue.search_endpoints(everything, search)).defer(*_COLUMNS)
    rows: list[Any] = list(found[: SHOWN + 1])
    chosen = chosen_endpoints(project, asked)
    keys = {endpoint.pk for endpoint in chosen}
    before, seen = None, set()
    for row in rows:
        group = (row.openapi_spec_id, row.tag_name)
        row.opens_group, before = group != before, group
        # An endpoint under two tags stands twice; only its first box is sent.
        row.again, row.chosen = row.pk in seen, row.pk in keys
        seen.add(row.pk)
    shown = {row.pk for row in rows[:SHOWN]}
    return {
        "project": project,
        "q": search,
        "rows": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "chosen": chosen,
        "beside": [endpoint for endpoint in chosen if endpoint.pk not in shown],
        "total": everything.count(),
        "most": MOST_SCENARIOS,
    }
