"""How often the marks of a comparison are wrong: `python -m bench.significance [PAIRS] [SECONDS]` prints them.

Seeded pairs of runs (200, of 30 s) whose noise is known (`history.tests.simulated_runs`: response times lognormal,
seconds that hang together), at several rates. "false alarms": pairs that differ by noise alone and are marked real
(real or likely); "missed": pairs 15 % apart that are not marked real (neither real nor likely). In percent, for p50,
average, p95 and p99, and for the endpoint: what p95, p50 and average say together.

`python -m bench.significance --real [ROUNDS]` does so with the real k6 against the demo shop: each round two runs as
they are and one with `POST /__delay?factor=1.15`, of 30 s each; at the end by how much equal runs differed.
"""

import os
import random
import statistics
import sys
import tempfile
from math import log
from pathlib import Path
from typing import Any

PORT, SECONDS, FACTOR = 8994, 30, 1.15
RATES = (20, 50, 100, 300)
MEASURES = ("p50", "avg", "p95", "p99")
# Name, factor between the two runs, by what either is off as a whole (standard deviation of its logarithm).
CASES = (
    ("equal", 1.0, 0.0),
    ("3 % slower", 1.03, 0.0),
    ("pairs 3 % apart by chance", 1.0, 0.0212),
    ("15 % slower", FACTOR, 0.0),
    ("15 % slower, and 3 % by chance", FACTOR, 0.0212),
)


def main() -> None:
    """Sets Django up, as rows and columns are its, and measures."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")
    import django

    django.setup()
    if "--real" in sys.argv:
        real(int(sys.argv[2]) if len(sys.argv) > 2 else 5)
    else:
        simulated(*(int(given) for given in sys.argv[1:3]))


def simulated(pairs: int = 200, seconds: int = SECONDS) -> None:
    """Seeded pairs at each rate."""
    from history.comparing import DECIDING
    from history.significance import together
    from history.tests.simulated_runs import simulate

    print(f"{pairs} pairs of {seconds} s; percent of pairs marked wrongly: real (real or likely)\n")
    print(f"{'requests/s':>10}  {'':<44}{''.join(f'{name:>14}' for name in (*MEASURES, 'endpoint'))}")
    for rate in RATES:
        for name, factor, noise in CASES:
            chance = random.Random(2026)
            marks: dict[str, list[str]] = {measure: [] for measure in MEASURES}
            for _ in range(pairs):
                first = simulate(chance, seconds=seconds, rate=rate, factor=chance.lognormvariate(0, noise))
                second = simulate(chance, seconds=seconds, rate=rate, factor=factor * chance.lognormvariate(0, noise))
                for measure in MEASURES:
                    sides = [(one.measured[_column(measure)], one.columns) for one in (first, second)]
                    marks[measure].append(mark(sides, measure))
            marks["endpoint"] = [together(said) for said in zip(*(marks[name] for name in DECIDING), strict=True)]
            told = "".join(f"{wrong(marks[name], factor > 1.1):>14}" for name in (*MEASURES, "endpoint"))
            kind = "missed" if factor > 1.1 else "false alarms"
            print(f"{rate:>10}  {f'{name}: {kind}':<44}{told}", flush=True)


def wrong(marks: list[str], different: bool) -> str:
    """`0.5 (2.0)`: the share of marks that say too much, or of differences that they miss."""
    real, flagged = (sum(mark in said for mark in marks) for said in (("real",), ("real", "likely")))
    counts = (len(marks) - real, len(marks) - flagged) if different else (real, flagged)
    first, second = (100 * count / len(marks) for count in counts)
    return f"{first:.1f} ({second:.1f})"


def mark(sides: list[tuple[float, dict[str, Any]]], measure: str) -> str:
    """What a comparison says of two runs: their number as it is shown, and their columns."""
    from history.comparing_seconds import Seconds
    from history.significance import LEAST_MS, Side, judge

    first, second = (Side(value, Seconds(columns).of(measure)) for value, columns in sides)
    return judge(first, second, least=LEAST_MS).mark


def _column(measure: str) -> str:
    return f"{measure}_response_time"


def real(rounds: int) -> None:
    """Rounds of two equal runs and a slower one."""
    import httpx

    from bench.k6_runs import demo
    from loadtests.k6.script import build_script

    found: dict[str, list[tuple[Any, Any]]] = {"equal": [], "15 % slower": []}
    with demo(PORT) as base, tempfile.TemporaryDirectory() as folder:
        script = build_script(_plan(base))
        for number in range(rounds):
            runs = []
            for factor in (1.0, 1.0, FACTOR):
                httpx.post(f"{base}/__delay", params={"factor": factor}).raise_for_status()
                runs.append(_measured(script, Path(folder)))
            found["equal"].append((runs[0], runs[1]))
            found["15 % slower"].append((runs[0], runs[2]))
            told = ", ".join(f"{one[0]['p95']:.1f} ms ({one[0]['requests']} requests)" for one in runs)
            print(f"round {number + 1}: p95 {told}", flush=True)
    print(f"\n{'':<14}" + "".join(f"{name:>26}" for name in MEASURES))
    for name, pairs in found.items():
        cells = []
        for measure in MEASURES:
            marks = [mark([(one[measure], columns) for one, columns in pair], measure) for pair in pairs]
            cells.append(", ".join(f"{marks.count(said)} {said}" for said in dict.fromkeys(sorted(marks))))
        print(f"{name:<14}" + "".join(f"{cell:>26}" for cell in cells))
    for measure in MEASURES:
        apart = [abs(log(second[0][measure] / first[0][measure])) for first, second in found["equal"]]
        print(f"equal runs differed in {measure} by {100 * statistics.median(apart):.1f} % (median)")


def _plan(base: str) -> Any:
    from loadtests.k6.plan import RequestPlan, RunPlan, ScenarioPlan, StagePlan, StepPlan

    request = RequestPlan("GET", f"{base}/products/7", "GET /products/{product_id}", (), None)
    stages = (StagePlan(SECONDS, 10),)
    one = ScenarioPlan("s01", "Product", "constant-vus", stages, 0.05, (StepPlan("", request),))
    return RunPlan("1", "Significance", (one,))


def _measured(script: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The whole run's numbers, and its columns by second, from what k6 pushed."""
    import subprocess

    from bench.k6_runs import K6, push_catcher
    from history.metrics.remote_write import decode
    from history.metrics.timeline import numbers
    from history.tracks import follow
    from loadtests.k6.command import local_command

    file = folder / "script.js"
    file.write_text(script, encoding="utf-8")
    with push_catcher() as (url, caught):
        arguments, environment = local_command("1", "1", url, "token")
        command = [K6, *arguments, str(file)]
        subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    snapshots = [snapshot for _at, body in caught if (snapshot := decode(body))]
    _timeline, tracks = follow(snapshots, ["s01"], [])
    whole = numbers(tracks.whole.sum)
    shown = {"requests": whole.requests, **{name: getattr(whole, name) for name in MEASURES}}
    return shown, tracks.whole.columns


if __name__ == "__main__":
    main()
