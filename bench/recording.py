"""What making a result costs: `python -m bench.recording [MINUTES [SCENARIOS]]` prints one table (60 minutes, 20).

One generator, a push a second, three stages a scenario; runs of 100,000 and of 10,000,000 requests with the same
response times. Recording is the median of three, from the snapshots in the database to the columns, seconds and minutes
of the result. Then, of the larger run, what pages ask for: the heatmap and the overview as they are kept, spans, and a
part of the time with its own heatmap and overview.
"""

import functools
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

START = 1_700_000_000
ANSWERS = (("200", "", True, 0.999), ("503", "1503", False, 0.001))
MANY = (100_000, 10_000_000)


def shares() -> dict[int, float]:
    """How many of all requests fall into which bucket: 28 buckets, as in tests/recorded_run.json; most requests take
    about 50 ms, one in ten 150 ms."""
    found: dict[int, float] = {}
    for middle, spread, part in ((-34, 3.0, 0.9), (-22, 2.0, 0.1)):
        weights = {
            index: math.exp(-(((index - middle) / spread) ** 2) / 2) for index in range(middle - 14, middle + 15)
        }
        whole = sum(weights.values())
        for index, weight in weights.items():
            found[index] = found.get(index, 0.0) + part * weight / whole
    return found


def snapshots(seconds: int, scenarios: int, requests: int) -> Iterator[Any]:
    """What k6 would push each second of a run with so many requests in all."""
    from history.metrics.native_histogram import Histogram, upper_bound
    from history.metrics.remote_write import CounterKey, RequestKey, Snapshot

    every, third = shares(), seconds / 3
    known: dict[RequestKey, Histogram] = {}
    begun: dict[tuple[int, str], int] = {}
    for second in range(seconds):
        stage = str(1 + int(second / third))
        histograms, counters = {}, {}
        for scenario in range(scenarios):
            tag = f"s{scenario + 1:02}"
            first = begun.setdefault((scenario, stage), second)
            passed = requests / scenarios / seconds * (second + 1 - first)
            for status, code, good, share in ANSWERS:
                key = RequestKey(tag, f"GET /endpoint/{scenario}", status, code, good, stage=stage)
                # The scenarios' counts grow at different moments.
                counts = {i: int(passed * share * part + (i * 7 + scenario * 3) % 11 / 11) for i, part in every.items()}
                buckets = {i: count for i, count in counts.items() if count}
                one = Histogram(
                    sum(buckets.values()), sum(n * upper_bound(i - 0.5) for i, n in buckets.items()), 0, buckets
                )
                if buckets and known.get(key) != one:
                    known[key] = histograms[key] = one
            for name, many in (("iterations", passed), ("data_sent", passed * 90), ("data_received", passed * 400)):
                counters[str(CounterKey(name, tag, stage=stage))] = float(int(many))
        started = float(START) if second == 0 else None
        yield Snapshot("1", START + second + 0.94, histograms, 50.0, started, counters, second == seconds - 1)


def set_up_django(folder: Path) -> None:
    """An empty database."""
    url = f"sqlite:///{folder}/bench.sqlite3"
    os.environ.update(DJANGO_SETTINGS_MODULE="metricvault.settings", DATABASE_URL=url, METRICVAULT_DATA_DIR=str(folder))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def create(seconds: int, scenarios: int, requests: int) -> Any:
    """A run whose pushes are in the store."""
    from history.metrics.stores import open_store
    from history.replay import create_run
    from history.states import Status
    from projects.models import Project

    stages = [{"duration": seconds / 3, "target": target} for target in (10, 10, 0)]
    plan: dict[str, Any] = {"title": f"{requests} requests", "scenarios": []}
    for number in range(scenarios):
        about = {"tag": f"s{number + 1:02}", "name": f"Scenario {number + 1}", "executor": "ramping-vus"}
        asked = {"think_time": 0, "response_time_target": 500.0, "error_rate_target": 5.0, "stages": stages}
        request = {"name": f"GET /endpoint/{number}"}
        steps = [{"name": "", "request": request, "checks": [], "extracts": []}]
        plan["scenarios"].append({**about, **asked, "request": request, "steps": steps})
    run = create_run(plan, Project.objects.create(title="Bench"), Status.COLLECTING)
    store = open_store()
    for snapshot in snapshots(seconds, scenarios, requests):
        store.write(run.pk, [snapshot])
    return run


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what it answered."""
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


def kept(run: Any) -> float:
    """Megabytes of the minutes of a run."""
    return sum(len(row.sums) + len(row.seconds) for row in run.blocks.all()) / 1e6


def show_reading(run: Any, seconds: int) -> None:
    """What pages ask of a finished run."""
    from history.heatmap import heatmap
    from history.models import TestHistory
    from history.spans import span
    from history.timeseries import overview, timeseries

    TestHistory.objects.filter(pk=run.pk).update(status="completed")
    run.refresh_from_db()
    a, b = seconds // 3 + 7, seconds // 3 + 7 + seconds // 6
    asked: dict[str, Callable[[], Any]] = {
        "heatmap, kept": lambda: heatmap(run),
        "overview, kept": lambda: overview(run, points=600),
        "every second": lambda: timeseries(run),
        "span of the whole run": lambda: span(run, None, None),
        "span of ten seconds": lambda: span(run, a, a + 10),
        f"span of {(b - a) / 60:.0f} minutes": lambda: span(run, a, b),
        f"heatmap of {(b - a) / 60:.0f} minutes": lambda: heatmap(run, a, b),
        f"overview of {(b - a) / 60:.0f} minutes": lambda: overview(run, a, b, points=300),
    }
    for name, work in asked.items():
        print(f"{name:<28} {1000 * statistics.median(timed(work)[0] for _ in range(3)):>8.0f} ms")


def main() -> None:
    """Records the runs and prints the figures."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    scenarios = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seconds = int(minutes * 60)
    with tempfile.TemporaryDirectory(prefix="metricvault-bench-") as folder:
        set_up_django(Path(folder))
        from history.metrics.stores import unpacked
        from history.recording import record

        print(f"{minutes:g} minutes, {scenarios} scenarios, a push a second")
        print(f"{'requests':>12} {'recording s':>12} {'processor s':>12} {'minutes MB':>11}")
        found = []
        for requests in MANY:
            run = create(seconds, scenarios, requests)
            unpacked.unpacked._kept.clear()  # the recorder is another process
            took, used = [], []
            for _ in range(3):
                begin = time.process_time()
                took.append(timed(functools.partial(record, run, []))[0])
                used.append(time.process_time() - begin)
            found.append(statistics.median(took))
            row = f"{found[-1]:>12.2f} {statistics.median(used):>12.2f} {kept(run):>11.1f}"
            print(f"{run.total_requests:>12,} {row}", flush=True)
        print(f"a hundred times the requests: {found[1] / found[0]:.2f} times the seconds")
        show_reading(run, seconds)


if __name__ == "__main__":
    main()
