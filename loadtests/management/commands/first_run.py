from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from history.models import TestHistory
from loadtests import launching
from metricvault.lib.errors import ProductError
from projects.access import local_user
from projects.models import Endpoint, Project

# Name, operation of the demo API, users in the middle, think time (s), targets: p95 (ms), errors (percent).
SCENARIOS = (
    ("Browse the shelves", "list_products", 4, 0.3, 100, 1),
    ("Look at one product", "get_product", 6, 0.2, 60, 1),
    ("Place an order", "create_order", 2, 0.5, 150, 1),
)
SHAPE = ((8, 0.5), (24, 1.0), (8, 0.25))  # seconds, share of the users


class Command(BaseCommand):
    help = "Starts one short run against the demo project, where nothing was ever run: the first page shall be alive."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.METRICVAULT_OPEN_ACCESS or TestHistory.objects.exists():
            return
        project = Project.objects.filter(title="Demo shop", openapi_specs__isnull=False).order_by("pk").first()
        if project is None:
            raise CommandError("There is no demo project; manage.py demo_project makes it.")
        try:
            launching.start(payload(project), local_user())
        except ProductError as error:
            raise CommandError(str(error)) from error


def payload(project: Project) -> dict[str, Any]:
    """The body of POST /load-testing for 40 seconds of an ordinary day in the shop."""
    keys = dict(Endpoint.objects.filter(openapi_spec__project=project).values_list("operation_id", "pk").order_by("pk"))
    return {
        "title": "A first look at the demo shop",
        "description": "Started by itself on the first start.",
        "project_id": project.pk,
        "scenarios": [
            {
                "name": name,
                "endpoint_id": keys[operation],
                "executor": "ramping-vus",
                "think_time": think_time,
                "stages": [{"duration": length, "target": max(1, round(users * share))} for length, share in SHAPE],
                "response_time_target": p95,
                "error_rate_target": errors,
            }
            for name, operation, users, think_time, p95, errors in SCENARIOS
        ],
    }
