import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from history.models import TestHistory
from history.states import Outcome
from loadtests import launching
from metricvault.lib.errors import ProductError
from projects.access import local_user
from projects.models import Endpoint, Membership, Project

# Name, operation of the demo API, users in the middle, think time (s), targets: p95 (ms), errors (percent).
SCENARIOS = (
    ("Browse the shelves", "list_products", 4, 0.3, 100, 1),
    ("Look at one product", "get_product", 6, 0.2, 60, 1),
    ("Place an order", "create_order", 2, 0.5, 150, 1),
)
SHAPE = ((8, 0.5), (24, 1.0), (8, 0.25))  # seconds, share of the users


class Command(BaseCommand):
    help = "Starts one short run against the demo project, where nothing was ever run: the first page shall be alive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", help="makes the demo project first, of the demo API that answers there")
        parser.add_argument("--user", help="who runs it where people log in; is made, without a password")
        parser.add_argument("--wait", type=float, default=0, help="seconds to wait for the verdict, which is printed")

    def handle(self, *args: Any, base_url: str | None, user: str | None, wait: float, **options: Any) -> None:
        if not (settings.METRICVAULT_OPEN_ACCESS or user):
            return
        if TestHistory.objects.exists():
            self.stdout.write("Something was run here before, so no demo test is started.")
            return
        if base_url:
            call_command("demo_project", base_url=base_url)
        project = Project.objects.filter(title="Demo shop", openapi_specs__isnull=False).order_by("pk").first()
        if project is None:
            raise CommandError("There is no demo project; manage.py demo_project makes it.")
        who = local_user() if settings.METRICVAULT_OPEN_ACCESS else demo_user(str(user), project)
        try:
            run = launching.start(payload(project), who)
        except ProductError as error:
            raise CommandError(str(error)) from error
        if wait:
            self.tell(finished(run, wait))

    def tell(self, run: TestHistory) -> None:
        """The verdict in words; an error where there is none to rely on."""
        text = verdict(run)
        if run.outcome not in {Outcome.PASSED, Outcome.TARGETS_MISSED}:
            raise CommandError(text)
        self.stdout.write(text)


def demo_user(name: str, project: Project) -> User:
    """Somebody who may run tests in the demo project and nothing else, and whom nobody can log in as."""
    user, created = User.objects.get_or_create(username=name)
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
        Membership.objects.create(project=project, user=user, role=Membership.Role.MEMBER)
    return user


def finished(run: TestHistory, wait: float) -> TestHistory:
    """The run once it is over; CommandError where that takes longer than `wait` seconds."""
    end = time.monotonic() + wait
    while not run.is_finished:
        if time.monotonic() > end:
            raise CommandError(f"Run {run.pk} is not over after {wait:g} s; it is {run.status}.")
        time.sleep(0.5)
        run.refresh_from_db()
    return run


def verdict(run: TestHistory) -> str:
    """A few lines for a log."""
    title = f"Run {run.pk}, {run.title}: {run.status}, {run.outcome or 'no verdict'}"
    numbers = "nothing was measured"
    if run.total_requests and run.avg_tps is not None and run.p95_response_time is not None:
        numbers = (
            f"{run.total_requests} requests, {run.failed_requests} failed, "
            f"{run.avg_tps:.1f} requests/s, p95 {run.p95_response_time:.1f} ms"
        )
    return "\n".join([title, f"  {numbers}", *(f"  {reason['message']}" for reason in run.explained)])


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
