"""One load over several pods, against exact numbers: `python -m bench.pods [PODS …]` on the test cluster.

k6's raw samples of every pod (`--out json` into its log) say what is exact; "merged" comes from the pods' pushes
through decoding and timeline, as a result does. One pod is made slow: the target lets it wait, so that the average of
the pods' own p95 ("mean") is far off. "began within": between the first requests of the first and the last pod, as the
target saw them.
"""

import http.server
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")

from bench.k6_runs import exact, push_catcher
from history.metrics import summary as k6_summary
from history.metrics.remote_write import decode
from history.metrics.timeline import Timeline, sum_cells
from loadtests.k6.command import pod_command
from loadtests.k6.plan import RequestPlan, RunPlan, ScenarioPlan, StagePlan, StepPlan
from loadtests.k6.script import build_script
from loadtests.runners import LaunchSpec
from loadtests.runners.kubernetes import ClusterOptions, KubernetesRunner
from loadtests.runners.manifests import Placement
from tests.cluster import K6_IMAGE, Cluster, attach

SECONDS, USERS, THINK = 6.0, 10, 0.03
SLOW = 0.08  # seconds that the first pod waits for each answer


class SlowToOne(http.server.ThreadingHTTPServer):
    """Counts requests, notes each pod's first, and lets the pod that came first wait."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.count = 0
        self.first: dict[str, float] = {}
        self.lock = threading.Lock()

    def take(self, pod: str) -> bool:
        """Whether this pod is the slow one."""
        now = time.time()
        with self.lock:
            self.count += 1
            self.first.setdefault(pod, now)
            return next(iter(self.first)) == pod


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        assert isinstance(self.server, SlowToOne)
        slow = self.server.take(self.client_address[0])
        time.sleep(SLOW if slow else 0.004)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def target() -> Iterator[SlowToOne]:
    """The target on loopback."""
    server = SlowToOne()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()


def run(cluster: Cluster, pods: int, folder: Path) -> str:
    """One run over `pods` pods as a line of the table."""
    namespace = cluster.new_namespace(f"bench-{secrets.token_hex(3)}")
    job = f"k6-{secrets.token_hex(4)}"
    placed = Placement(K6_IMAGE, cpu_request="50m", memory_request="64Mi")
    runner = KubernetesRunner(ClusterOptions(str(cluster.kubeconfig), namespace, placed, "proxy", kept=600))
    with target() as server, push_catcher() as (pushed_to, caught):
        url = f"http://{cluster.host_address}:{server.server_port}/"
        request = RequestPlan("GET", url, "GET /", (), None)
        stages = (StagePlan(SECONDS, USERS),)
        scenario = ScenarioPlan("s01", "Load", "constant-vus", stages, THINK, (StepPlan("", request),))
        script = build_script(RunPlan("1", "bench", (scenario,), pods))
        arguments, environment = pod_command("1", pushed_to.replace("127.0.0.1", cluster.host_address), "token")
        arguments = (*arguments, "--out", "json=/dev/stdout")
        runner.launch(LaunchSpec(job, f"{job}.js", script, arguments, environment, run="1", generators=pods))
        _until_over(runner, job)
        time.sleep(1.0)
        names = cluster.kubectl("-n", namespace, "get", "pods", "-l", f"job-name={job}", "-o", "name").split()
        logs = [cluster.kubectl("-n", namespace, "logs", name) for name in names]
        outputs = runner.logs(job).output
        runner.cleanup(job)
        line = _line(pods, server, [body for _at, body in caught], logs, outputs, folder)
    cluster.delete_namespace(namespace)
    return line


def _until_over(runner: KubernetesRunner, job: str) -> None:
    end = time.monotonic() + 120
    while (progress := runner.poll(job)).phase != "finished":
        if progress.phase == "ready":
            runner.begin(job)
        assert time.monotonic() < end, progress
        time.sleep(0.1)


def _line(pods: int, server: SlowToOne, pushes: list[bytes], logs: list[str], output: str, folder: Path) -> str:
    timeline = Timeline()
    for body in pushes:
        if snapshot := decode(body):
            timeline.feed(snapshot)
    merged = sum_cells(timeline.totals().values())
    summaries = k6_summary.find(output)
    said = k6_summary.read(summaries, [])
    of = _exact("".join(logs), folder)
    own = [_exact(log, folder)["p95"] for log in logs]
    p95 = merged.spread.percentile(0.95) or 0.0
    starts = server.first.values()
    counts = f"{server.count:>7} {merged.requests:>7} {said.whole.requests if said else 0:>9}"
    between = f"{1000 * (max(starts) - min(starts)):>6.0f} ms"
    naive = statistics.mean(own)
    exact_p95 = of["p95"]
    deviations = f"{p95:>9.2f} {p95 / exact_p95 - 1:>+7.2%} {naive:>9.2f} {naive / exact_p95 - 1:>+8.1%}"
    return f"{pods:>4} {counts} {between:>12} {exact_p95:>9.2f} {deviations}"


def _exact(log: str, folder: Path) -> dict[str, float]:
    samples = folder / "samples.json"
    samples.write_text("\n".join(line for line in log.splitlines() if line.startswith("{")), encoding="utf-8")
    return dict(exact(samples))


def main() -> int:
    """The table."""
    cluster = attach()
    if cluster is None:
        print("No cluster runs here: make cluster")
        return 2
    heads = f"{'target':>7} {'stored':>7} {'summaries':>9} {'began within':>12} {'p95 exact':>9}"
    print(f"{'pods':>4} {heads} {'merged':>9} {'off':>7} {'mean':>9} {'off':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for pods in [int(word) for word in sys.argv[1:]] or [1, 2, 5]:
            print(run(cluster, pods, Path(folder)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
