"""How long pages of a long history take: `python -m bench.history [RUNS] [FOLDER]` prints one table.

10,000 runs of 5 scenarios with stages, steps, timelines of 60 s, labels and notes, of 20 projects, in a database of
their own (of `DATABASE_URL` where that is given; else in a new folder, or in FOLDER, which is kept for the next time).
Each page is asked for as a member of all projects would, 9 times, through the whole of Django in this process: the
median in milliseconds of the clock and of the processor (on a busy machine the clock counts the others, too), the
slowest by the clock, queries, and kilobytes of the answer.
"""

import logging
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from bench.filled import measured

RUNS, TIMES, MOST_MS, MOST_QUERIES = 10_000, 9, 100, 15
PROJECTS, PLANS, SCENARIOS, SECONDS = 20, 60, 5, 60
AT_ONCE = 500
BROWSER = {"accept": "text/html"}
PATHS = ("products", "orders", "carts", "users", "sessions", "payments", "refunds", "stock", "search", "reviews")
SCRIPT = "// what a script of five scenarios weighs\n" * 300  # 12 KB
LOG = "time=2026-11-23T14:02:10Z level=info msg=run\n" * 80


def main() -> int:
    """Prints the table; 1 where a page takes longer, or asks the database more often, than it may."""

    def exists() -> bool:
        from history.models import TestHistory

        return TestHistory.objects.exists()

    return measured("runs", RUNS, exists, make, measure)


def make(runs: int) -> None:
    """Fills an empty database; the same each time."""
    from django.contrib.auth.models import User

    from projects.models import Membership, Project

    seeded = random.Random(7)
    owner, alice = (User.objects.create_user(name, password=name) for name in ("owner", "alice"))
    projects = [Project.objects.create(title=f"Shop {number} API", owner=owner) for number in range(PROJECTS)]
    Membership.objects.bulk_create(Membership(project=project, user=alice) for project in projects)
    plans = _plans(projects)
    for first in range(0, runs, AT_ONCE):
        _batch(seeded, plans, first, min(AT_ONCE, runs - first), runs, alice)
    _baselines(alice)


def _plans(projects: list[Any]) -> list[tuple[Any, list[str]]]:
    """Each plan with the requests of its scenarios, two steps each."""
    from loadtests.models import Plan

    found = []
    for number in range(PLANS):
        plan = Plan.objects.create(project=projects[number % PROJECTS], title=f"Plan {number} {PATHS[number % 10]}")
        requests = [
            f"{('GET', 'POST')[step % 2]} /v{number % 7}/{PATHS[(number + step) % 10]}/{{id}}/{step}"
            for step in range(2 * SCENARIOS)
        ]
        found.append((plan, requests))
    return found


def _batch(seeded: random.Random, plans: Any, first: int, count: int, runs: int, alice: Any) -> None:
    from django.db import transaction

    from history.models import RunLabel, RunNote, TestHistory

    chosen = [seeded.choice(plans) for _number in range(count)]
    with transaction.atomic():
        rows = [_run(seeded, plan, requests, first + at, runs) for at, (plan, requests) in enumerate(chosen)]
        TestHistory.objects.bulk_create(rows)
        _parts(seeded, rows, chosen)
        labels = ("nightly", "soak", "release candidate", "black friday", "smoke")
        RunLabel.objects.bulk_create(
            RunLabel(test_history=row, text=text) for row in rows for text in seeded.sample(labels, seeded.randrange(3))
        )
        RunNote.objects.bulk_create(
            RunNote(test_history=row, author=alice, text=f"Looked at {row.title} after deployment {row.pk}; all calm.")
            for row in rows
            if seeded.random() < 0.3
        )


def _run(seeded: random.Random, plan: Any, requests: list[str], number: int, runs: int) -> Any:
    from django.utils import timezone

    from history.baselines import endpoint_set
    from history.models import TestHistory
    from history.reasons import reason
    from history.states import Outcome, Status

    moment = timezone.now() - timedelta(minutes=30 * (runs - number))
    bad = seeded.random() < 0.2
    missed = reason("p95_missed", request=requests[0], value=812.0, target=500.0)
    return TestHistory(
        title=plan.title,
        project_id=plan.project_id,
        plan=None if number % 10 == 0 else plan,
        endpoint_set=endpoint_set(requests),
        job_name=f"bench-{number}",
        tested_at=moment,
        completed_at=moment + timedelta(seconds=SECONDS),
        is_completed=True,
        status=Status.COMPLETED,
        outcome=Outcome.TARGETS_MISSED if bad else Outcome.PASSED,
        reasons=[reason("counts_agree", good=True, count=9000), *([missed] if bad else [])],
        release=f"4.{number * 40 // runs}",
        pinned=number % 1000 == 7,
        asked={"title": plan.title, "scenarios": [{"name": request} for request in requests]},
        plan_snapshot={"title": plan.title, "scenarios": [{"name": request, "steps": []} for request in requests] * 4},
        script=SCRIPT,
        log=LOG,
        summary={"metrics": {f"http_req_duration{{scenario:s{at:02}}}": _measured(seeded) for at in range(SCENARIOS)}},
        iterations=4500,
        **_measured(seeded),
    )


def _measured(seeded: random.Random) -> dict[str, Any]:
    p95 = seeded.uniform(150, 900)
    times = {"p50": p95 / 4, "p90": p95 * 0.9, "p95": p95, "p99": p95 * 2, "avg": p95 / 3, "min": 2.0, "max": p95 * 3}
    rates = {"avg_tps": 150.0, "min_tps": 90.0, "max_tps": 180.0, "avg_error_rate": seeded.uniform(0, 1)}
    named = {f"{name}_response_time": value for name, value in times.items()}
    return {**rates, **named, "total_requests": 9000, "failed_requests": 20, "test_duration": float(SECONDS)}


def _parts(seeded: random.Random, runs: list[Any], chosen: list[Any]) -> None:
    from history.models import ScenarioHistory, StageHistory, StepHistory, TimelineHistory

    scenarios = [
        ScenarioHistory(
            test_history=run, position=at, name=f"Scenario {at}", scenario_tag=f"s{at:02}", executor="ramping-vus",
            request_name=f"Journey {at} of {run.title}", answers={"200": 1780, "404": 20}, **_measured(seeded),
        )
        for run in runs for at in range(SCENARIOS)
    ]  # fmt: skip
    ScenarioHistory.objects.bulk_create(scenarios)
    StageHistory.objects.bulk_create(
        StageHistory(scenario=scenario, position=at, duration=20, target=20, **_measured(seeded))
        for scenario in scenarios for at in range(3)
    )  # fmt: skip
    StepHistory.objects.bulk_create(
        StepHistory(
            scenario=scenario, position=at, name=f"Step {at}", **_measured(seeded),
            request_name=chosen[number // SCENARIOS][1][2 * (number % SCENARIOS) + at],
            checks=[{"key": "c1", "kind": "status", "text": "200-299", "passed": 890, "failed": 10}],
        )
        for number, scenario in enumerate(scenarios) for at in range(2)
    )  # fmt: skip
    columns = _timeline(seeded)
    wholes = (TimelineHistory(test_history=run, columns=columns) for run in runs)
    parts = (TimelineHistory(test_history_id=one.test_history_id, scenario=one, columns=columns) for one in scenarios)
    for rows in (wholes, parts):
        while some := list(islice(rows, AT_ONCE)):
            TimelineHistory.objects.bulk_create(some)


def _timeline(seeded: random.Random) -> dict[str, list[float]]:
    from history.tracks import COLUMNS

    return {name: [round(seeded.uniform(1, 500), 3) for _second in range(SECONDS)] for name in COLUMNS}


def _baselines(alice: Any) -> None:
    """Every second plan has one."""
    from history.baselines import set_baseline
    from history.models import TestHistory
    from loadtests.models import Plan

    for plan in Plan.objects.order_by("pk")[::2]:
        run = TestHistory.objects.filter(plan=plan).order_by("-pk").first()
        if run is not None:
            set_baseline(run, alice)


def measure() -> int:
    """Asks for each page; prints what it took."""
    from django.contrib.auth.models import User
    from django.test import Client

    import metricvault.asgi  # noqa: F401  as the web process: its garbage is collected among what requests make

    logging.disable()
    client = Client(SERVER_NAME="localhost", headers=BROWSER)
    client.force_login(User.objects.get(username="alice"))
    print(f"{'page':30} {'median ms':>9} {'processor':>9} {'slowest':>8} {'queries':>8} {'KB':>7}")
    over = 0
    for name, address in pages():
        found = _timed(lambda address=address: client.get(address))  # type: ignore[misc]
        if found is None:
            print(f"{name:30} {'is not there':>9}")
            continue
        times, queries, size = found
        clock, processor = (statistics.median(column) for column in zip(*times, strict=True))
        longest = max(clock for clock, _processor in times)
        over += min(clock, processor) > MOST_MS or queries > MOST_QUERIES
        print(f"{name:30} {clock:9.0f} {processor:9.0f} {longest:8.0f} {queries:8} {size / 1024:7.1f}")
    return int(over > 0)


def pages() -> Iterator[tuple[str, str]]:
    """What is measured: a name, and the address."""
    from history.models import TestHistory
    from loadtests.models import Plan

    plan = Plan.objects.order_by("pk")[0]
    some = TestHistory.objects.filter(plan=plan).order_by("-pk").values_list("pk", flat=True)[:5]
    yield "history, first page", "/runs/"
    yield "history, last page", "/runs/?page=400"
    yield "history, words that hit", "/runs/?q=refunds"
    yield "history, three words", "/runs/?q=payments+4.1+nightly"
    yield "history, words that miss", "/runs/?q=zzzzzz"
    yield "history, filtered and sorted", f"/runs/?project={plan.project_id}&outcome=passed&label=nightly&sort=-p95"
    yield "history, all sorted", "/runs/?sort=-p95"
    yield "deleted", "/runs/deleted/"
    yield "dashboard", "/"
    yield "project", f"/projects/{plan.project_id}/"
    yield "plans", "/tests/"
    yield "trend of a plan", f"/runs/trends/?plan={plan.pk}"
    yield "trend of a project", f"/runs/trends/?project={plan.project_id}"
    for count, name in ((2, "two"), (5, "five")):
        if len(some) >= count:  # of few runs in all, a plan has fewer
            yield f"compare {name}", "/runs/compare/?" + "&".join(f"runs={pk}" for pk in some[:count])
    yield "API, in short", "/test-history/simple?limit=50&q=refunds"


def _timed(ask: Callable[[], Any]) -> tuple[list[tuple[float, float]], int, int] | None:
    """None where there is no such page."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    if ask().status_code != 200:
        return None
    times = []
    for _turn in range(TIMES):
        began, worked = time.perf_counter(), time.process_time()
        ask()
        times.append(((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000))
    with CaptureQueriesContext(connection) as seen:
        answer = ask()
    return times, len(seen), len(answer.content)


if __name__ == "__main__":
    sys.exit(main())
