"""How long the builder takes to answer: `python -m bench.builder_edits` prints one table.

A plan of 50 scenarios of two steps (one with a body, both with checks and values to take) in a database of its own;
each kind of edit is sent as the page sends it, 15 times, through the whole of Django in this process: the median in
milliseconds of the clock and of the processor (on a busy machine the clock counts the others, too), the slowest by the
clock, queries, and kilobytes of the answer.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

SCENARIOS, TIMES = 50, 15
HTMX = {"HX-Request": "true"}


def main() -> int:
    """Prints the table; 1 where an edit takes more than 100 ms of the processor."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"METRICVAULT_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "metricvault.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        return _measure()


def _measure() -> int:
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    user = User.objects.create_user("alice", password="alice")
    plan = _plan(user)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    client.get(reverse("loadtests:plan", args=[plan.pk]))
    import metricvault.asgi  # noqa: F401  as the web process: its garbage is collected among what requests make

    slowest = 0.0
    print(f"{'edit':34} {'median ms':>9} {'processor':>9} {'slowest':>8} {'queries':>8} {'KB':>6}")
    for name, send in _edits(client, plan).items():
        times, queries, size = _timed(send)
        clock, processor = (statistics.median(column) for column in zip(*times, strict=True))
        slowest = max(slowest, processor)
        longest = max(clock for clock, _processor in times)
        print(f"{name:34} {clock:9.0f} {processor:9.0f} {longest:8.0f} {queries:8} {size / 1024:6.1f}")
    return int(slowest > 100)


def _plan(user: Any) -> Any:
    from loadtests import arranging, editing
    from loadtests.models import Step
    from loadtests.tests.shop import body, make_endpoint, make_project, parameter

    project = make_project(user)
    gets = [
        make_endpoint(project, path=f"/things/{number}/{{id}}", summary=f"Thing {number}",
                      parameters=[parameter("id", "path", "7"), parameter("limit", "query", 10, required=False)])
        for number in range(SCENARIOS)
    ]  # fmt: skip
    post = make_endpoint(project, "POST", "/orders", request_body=body())
    plan = editing.create_plan(project, "Fifty", gets, user)
    for scenario in plan.scenarios.all():
        arranging.append_steps(scenario, [post])
    Step.objects.update(
        extracts=[{"name": "order_id", "kind": "json", "expression": "$.id"}],
        checks=[{"kind": "json", "target": "$.state", "value": "open"}, {"kind": "time", "target": "", "value": "500"}],
        headers=[{"name": "X-Trace", "value": "{{$uuid}}"}],
    )
    return plan


def _edits(client: Any, plan: Any) -> dict[str, Callable[[int], Any]]:
    from django.urls import reverse

    scenario = plan.scenarios.all()[25]
    stage, (step, other) = scenario.stages.get(), scenario.steps.all()

    def post(view: str, /, *keys: Any, **typed: Any) -> Callable[[int], Any]:
        def send(turn: int) -> Any:
            data = {name: str(value).format(turn=turn) for name, value in typed.items()}
            return client.post(reverse(f"loadtests:{view}", args=keys), {"open": step.pk, **data}, headers=HTMX)

        return send

    page = reverse("loadtests:plan", args=[plan.pk]) + f"?scenario={scenario.pk}"
    key = scenario.pk
    return {
        "open the page": lambda _turn: client.get(page),
        "choose a scenario": lambda _turn: client.get(page, headers=HTMX),
        "type a name": post("scenario-save", key, name="Thing {turn}"),
        "type a target of a stage": post("scenario-save", key, **{f"stage.{stage.pk}.target": "1{turn}"}),
        "type stages as text": post("scenario-save", key, stages_text="{turn}s at 5", stages_was="x"),
        "type a parameter": post("scenario-save", key, **{f"step.{step.pk}.value.path.id": "{turn}"}),
        "another executor": lambda turn: post("scenario-save", key, goal=["rate", "users"][turn % 2])(turn),
        "type the title": post("save", plan.pk, title="Fifty {turn}", chosen=key),
        "type a target of the plan": post("save", plan.pk, response_time_target="50{turn}", chosen=key),
        "add a check": post("row-add", key, step.pk, "check"),
        "remove a check": post("row-delete", key, step.pk, "check", 2),
        "add a stage": post("stage-add", key),
        "move a stage": post("stage-move", key, stage.pk, "down"),
        "move a step": post("step-move", key, other.pk, "up"),
        "a profile": post("profile", key, profile="stress", peak=100, minutes=10),
        "remove and duplicate a scenario": _swap(client, plan),
    }


def _swap(client: Any, plan: Any) -> Callable[[int], Any]:
    """Takes one out, and then copies another into its place, again and again; which one that is the answer says, so
    that only the server's work is timed."""
    from django.urls import reverse

    copied, out = plan.scenarios.all()[30].pk, plan.scenarios.all()[40].pk

    def send(_turn: int) -> Any:
        nonlocal out
        if out:
            answer, out = client.post(reverse("loadtests:scenario-delete", args=[out]), headers=HTMX), 0
        else:
            answer = client.post(reverse("loadtests:scenario-duplicate", args=[copied]), headers=HTMX)
            out = int(answer["HX-Push-Url"].partition("scenario=")[2].partition("&")[0])
        return answer

    return send


def _timed(send: Callable[[int], Any]) -> tuple[list[tuple[float, float]], int, int]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    times: list[tuple[float, float]] = []
    send(0)
    for turn in range(1, TIMES + 1):
        began, worked = time.perf_counter(), time.process_time()
        answer = send(turn)
        times.append(((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000))
        assert answer.status_code == 200, answer.status_code
    with CaptureQueriesContext(connection) as seen:
        answer = send(TIMES + 1)
    return times, len(seen), len(answer.content)


if __name__ == "__main__":
    sys.exit(main())
