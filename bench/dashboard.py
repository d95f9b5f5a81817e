"""What k6's own dashboard costs k6: `python -m bench.dashboard [ROUNDS] [SECONDS …]` prints CPU time per request.

k6 alone, as the product calls it (20 virtual users against nginx on loopback, pushes to a server that keeps nothing),
without and with the dashboard, as often as the product asks for points, for runs of each length. Requests/s are of this
machine at this moment; CPU time per request is hardly touched by what else it does. The dashboard sorts all response
times measured so far for each point, so that its cost grows with the run.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.k6_runs import K6, push_catcher
from bench.overhead import USERS, nginx
from history.metrics import summary
from loadtests.k6.command import local_command
from loadtests.k6.dashboard import dashboard_environment
from loadtests.k6.plan import RequestPlan, RunPlan, ScenarioPlan, StagePlan, StepPlan
from loadtests.k6.script import build_script


def plan_for(url: str, seconds: int) -> RunPlan:
    """One endpoint, without a pause."""
    request = RequestPlan("GET", url, "GET /health", (), None)
    one = ScenarioPlan("s01", "Load", "constant-vus", (StagePlan(seconds, USERS),), 0, (StepPlan("", request),))
    return RunPlan("1", "Dashboard", (one,))


def run(plan: RunPlan, folder: Path, push_url: str) -> tuple[float, float, int]:
    """(CPU microseconds a request, requests/s, most memory in MB) of one run of k6."""
    file = folder / "script.js"
    file.write_text(build_script(plan), encoding="utf-8")
    arguments, environment = local_command("1", "1", push_url, "token")
    environment = {**environment, **dashboard_environment(plan, pod=False), "HOME": str(folder)}
    command = [K6, *arguments, str(file)]
    process = subprocess.Popen(
        command, env={"PATH": os.environ["PATH"], **environment}, cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _pid, _status, used = os.wait4(process.pid, 0)
    process.returncode = 0
    process.stdout.close()
    (found,) = summary.find(output)
    count = int(found["metrics"]["http_reqs"]["values"]["count"])
    cpu = 1e6 * (used.ru_utime + used.ru_stime) / count
    return cpu, count / (found["state"]["testRunDurationMs"] / 1000), _megabytes(used)


def _megabytes(used: resource.struct_rusage) -> int:
    return round(used.ru_maxrss / 1024)


def main() -> None:
    """Interleaved rounds of each length; then the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    lengths = [int(text) for text in sys.argv[2:]] or [10, 60, 300]
    with tempfile.TemporaryDirectory() as name, nginx(Path(name)) as url, push_catcher() as (push_url, caught):
        for seconds in lengths:
            bare = plan_for(f"{url}/health", seconds)
            ways = {"without": bare, "with": replace(bare, k6_dashboard=True)}
            found: dict[str, list[tuple[float, float, int]]] = {way: [] for way in ways}
            for number in range(rounds):
                for way, plan in ways.items():
                    found[way].append(run(plan, Path(name), push_url))
                    caught.clear()
                    cpu, rate, memory = found[way][-1]
                    print(
                        f"{seconds:>4} s, round {number + 1}, {way:<8}{cpu:>8.1f} µs/request{rate:>9.0f} requests/s"
                        f"{memory:>7} MB",
                        flush=True,
                    )
            pairs = list(zip(found["with"], found["without"], strict=True))
            share = statistics.median(one[0] / other[0] for one, other in pairs)
            rates = statistics.median(one[1] / other[1] for one, other in pairs)
            print(f"{seconds:>4} s: CPU a request x {share:.3f}, requests/s x {rates:.3f}\n", flush=True)


if __name__ == "__main__":
    main()
