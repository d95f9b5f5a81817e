"""How much memory files of a long run take: `python -m bench.exports [HOURS] [ENDPOINTS]` prints one table.

One run of 4 hours and 20 endpoints (14,400 seconds of 21 timelines, a heatmap, 2,000 failing requests) in a new SQLite
database, behind one real uvicorn. Each file is fetched as a person would, one after another, and read slowly: the
resident memory before, and the most of it until the last byte. At last the JSON is imported again.
"""

import random
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import psutil

from bench.web_process import Web, web_process

MOST = 200  # MB of resident memory
FILES = (
    "export.csv",
    "export.csv?part=timeline",
    "export.csv?part=errors",
    "export.csv?part=failures",
    "export.json",
    "export.zip",
    "report.html",
    "junit.xml",
    "chart/response-time.svg",
)
MB = 1024 * 1024


def main() -> int:
    """Prints the table; 1 where an export takes more memory than it may."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    endpoints = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    most = 0.0
    print(f"{'file':26}{'MB':>8}{'s':>8}{'MB before':>11}{'MB at most':>12}")
    document = b""
    with web_process(on_postgres=False) as web:
        run = _made(hours, endpoints)
        for name in FILES:
            body, seconds, before, peak = _watched(web, partial(_slowly, path=f"/runs/{run}/{name}"))
            print(f"{name:26}{len(body) / MB:8.1f}{seconds:8.1f}{before:11.0f}{peak:12.0f}", flush=True)
            most = max(most, peak)
            document = body if name == "export.json" else document
        _, seconds, before, peak = _watched(web, partial(_imported, project=_project().pk, document=document))
        print(f"{'import of the JSON':26}{len(document) / MB:8.1f}{seconds:8.1f}{before:11.0f}{peak:12.0f}")
    return 1 if most > MOST else 0


def _watched(web: Web, ask: Any) -> tuple[bytes, float, float, float]:
    """The answer, how long it took, and the resident memory before and at most, in MB."""
    address = f"http://127.0.0.1:{web.port}"
    with httpx.Client(base_url=address, timeout=120, headers={"Accept": "text/html"}) as client:
        client.get("/runs/")
        before = web.process.memory_info().rss / MB
        peak, over = [before], threading.Event()
        watcher = threading.Thread(target=_watch, args=(web.process, peak, over))
        watcher.start()
        began = time.perf_counter()
        try:
            body = ask(client)
        finally:
            over.set()
            watcher.join()
        return body, time.perf_counter() - began, before, peak[0]


def _watch(process: psutil.Process, peak: list[float], over: threading.Event) -> None:
    while not over.wait(0.005):
        peak[0] = max(peak[0], process.memory_info().rss / MB)


def _slowly(client: httpx.Client, path: str) -> bytes:
    """The body, with a pause after each MB: a server that holds what is not read yet would show it."""
    found = bytearray()
    with client.stream("GET", path) as answer:
        assert answer.status_code == 200, answer.read()
        for piece in answer.iter_bytes(MB):
            found += piece
            time.sleep(0.01)
    return bytes(found)


def _imported(client: httpx.Client, project: int, document: bytes) -> bytes:
    answer = client.post("/test-history/import", data={"project_id": project}, files={"file": ("run.json", document)})
    assert answer.status_code == 201, answer.text[:500]
    return answer.content


def _project() -> Any:
    from projects.access import local_user
    from projects.models import Project

    return Project.objects.create(title="Shop API", owner=local_user())


def _made(hours: float, endpoints: int) -> int:
    """The rows of the run."""
    from history.models import FailedRequest, ScenarioHistory, StageHistory, StepHistory, TestHistory, TimelineHistory

    seeded, seconds = random.Random(7), int(hours * 3600)
    stages = [{"duration": seconds / 4, "target": 20} for _ in range(4)]
    plan = [_asked(number, stages) for number in range(endpoints)]
    about = {"status": "completed", "outcome": "passed", "is_completed": True, "plan_snapshot": {"scenarios": plan}}
    moment = datetime(2026, 11, 23, 14, 2, 10, tzinfo=UTC)
    run = TestHistory.objects.create(
        project=_project(),
        title="Four hours",
        job_name="bench",
        tested_at=moment,
        **about,
        **_measured(seeded, seconds),
    )
    rows = [(None, endpoints)]
    for number, asked in enumerate(plan):
        named = {"name": asked["name"], "scenario_tag": asked["tag"], "request_name": asked["requests"]}
        row = ScenarioHistory.objects.create(
            test_history=run, position=number, executor="ramping-vus", **named, **_measured(seeded, seconds)
        )
        kept = [
            StageHistory(scenario=row, position=at, **one, **_measured(seeded, seconds // 4))
            for at, one in enumerate(stages)
        ]
        StageHistory.objects.bulk_create(kept)
        step = StepHistory.objects.create(scenario=row, name=row.name, request_name=row.request_name)
        FailedRequest.objects.bulk_create(_failures(run, step))
        rows.append((row, 1))
    for row, factor in rows:
        columns = _seconds(seeded, seconds, factor)
        overview = {"step": seconds // 600, "columns": _seconds(seeded, 600, factor)} if seconds > 600 else {}
        heatmap = _heatmap(seeded, seconds) if row is None else {}
        TimelineHistory.objects.create(
            test_history=run, scenario=row, columns=columns, overview=overview, heatmap=heatmap
        )
    return int(run.pk)


def _asked(number: int, stages: list[dict[str, Any]]) -> dict[str, Any]:
    request = f"GET /things/{number}/{{thing_id}}"
    steps = [{"request": {"name": request, "url": "http://shop.example.com/"}}]
    about = {"tag": f"s{number:02}_thing", "name": f"Thing {number}", "executor": "ramping-vus", "requests": request}
    return {**about, "think_time": 0, "stages": stages, "steps": steps, "request": steps[0]["request"]}


def _measured(seeded: random.Random, seconds: int) -> dict[str, Any]:
    from history.recording import ITERATED

    return {name: seeded.randrange(10**6) for name in ITERATED} | {"test_duration": float(seconds)}


def _failures(run: Any, step: Any) -> Iterator[Any]:
    from history.models import FailedRequest

    for number in range(100):
        sent = {"method": "GET", "url": f"http://shop.example.com/{number}", "headers": {"Accept": "*/*"}, "body": ""}
        got = {"status": 500, "status_text": "500 Internal Server Error", "headers": {}, "body": "x" * 4000}
        yield FailedRequest(test_history=run, step=step, kind="500", t=float(number), request=sent, response=got)


def _seconds(seeded: random.Random, seconds: int, factor: int) -> dict[str, list[Any]]:
    from history.tracks import COLUMNS

    columns: dict[str, list[Any]] = {"t": list(range(seconds))}
    for name in COLUMNS[1:]:
        whole = name in (
            "requests",
            "failures",
            "iterations",
            "dropped",
            "checks_passed",
            "checks_failed",
            "sent",
            "received",
        )
        columns[name] = [
            factor * seeded.randrange(1000) if whole else factor * seeded.random() * 100 for _ in range(seconds)
        ]
    return columns


def _heatmap(seeded: random.Random, seconds: int) -> dict[str, Any]:
    rows = [[1.2**row, 1.2 ** (row + 1)] for row in range(48)]
    counts = [[seeded.randrange(500) for _ in rows] for _ in range(240)]
    return {"start": 0, "end": seconds, "step": max(1, seconds // 240), "rows": rows, "counts": counts}


if __name__ == "__main__":
    sys.exit(main())
