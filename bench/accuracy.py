"""How right the numbers are: `python -m bench.accuracy [ROUNDS]` prints stored against exact values.

The real k6 against the demo API. "exact" comes from k6's raw samples (`--out json`), "stored" from our own pushes
through decoding and timeline, without k6's summary. Counts must be equal; of the percentiles the largest deviation
over all rounds and scenarios is printed, and the median of it.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from bench.k6_runs import Run, demo, run_beside_samples
from bench.record_run import plan
from history.metrics.remote_write import decode
from history.metrics.timeline import Cell, Timeline, sum_cells
from loadtests.k6.script import build_script

PORT = 8996
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def stored(run: Run) -> tuple[dict[str, Cell], int]:
    """Totals by scenario, and the sum over the seconds."""
    timeline = Timeline()
    for _at, body in run.caught:
        snapshot = decode(body)
        if snapshot:
            timeline.feed(snapshot)
    seconds = sum(second.total.requests for second in timeline.take_all())
    return timeline.totals(), seconds


def main() -> None:
    """Runs the rounds and prints the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    deviations: dict[str, list[float]] = {name: [] for name in ("avg", *SHARES)}
    lost = 0
    counts = f"{'requests':>9} {'stored':>9} {'failed':>7} {'stored':>7}"
    print(f"{'round':>5} {'scenario':<12} {counts}  p95 exact / stored (ms)")
    with demo(PORT) as base, tempfile.TemporaryDirectory() as folder:
        script = build_script(plan(base))
        for number in range(1, rounds + 1):
            run = run_beside_samples(script, Path(folder))
            totals, seconds = stored(run)
            lost += abs(seconds - run.exact["requests"])
            totals["all"] = sum_cells(totals.values())
            for tag, of in {**run.exact["scenarios"], "all": run.exact}.items():
                cell = totals[tag]
                p95 = cell.spread.percentile(0.95) or 0.0
                counts = f"{of['requests']:>9} {cell.requests:>9} {of['failures']:>7} {cell.failures:>7}"
                print(f"{number:>5} {tag:<12} {counts}  {of['p95']:.3f} / {p95:.3f}")
                lost += abs(cell.requests - of["requests"]) + abs(cell.failures - of["failures"])
                deviations["avg"].append(abs((cell.spread.average or 0) / of["avg"] - 1))
                for name, share in SHARES.items():
                    deviations[name].append(abs((cell.spread.percentile(share) or 0) / of[name] - 1))
    print(f"\nrequests that differ, over all rounds and scenarios: {lost}")
    for name, found in deviations.items():
        print(f"{name:>4}: median deviation {statistics.median(found):.2%}, largest {max(found):.2%}")


if __name__ == "__main__":
    main()
