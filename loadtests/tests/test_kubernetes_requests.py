"""What the Kubernetes runner asks of a cluster, and what it makes of odd answers. The API server is a fake, on
loopback; test_kubernetes_runner.py does the rest on a real one."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from history.metrics.summary import find
from loadtests.k6.command import pod_command
from loadtests.runners import LaunchSpec, RunnerError
from loadtests.runners.diagnosis import BEGUN
from loadtests.runners.kubernetes import STOPPING, ClusterOptions, KubernetesRunner
from loadtests.runners.manifests import Placement
from loadtests.tests.fake_api_server import Answer, FakeApiServer, fake_api_server, given, said
from loadtests.tests.pods_seen import seen
from tests.recorded import recorded_run

JOB = "k6-two"
MADE = {"metadata": {"name": JOB, "uid": "5d3f"}, "spec": {"suspend": True, "backoffLimitPerIndex": 0}}
GOES = {**MADE, "spec": {"suspend": False, "backoffLimitPerIndex": 0}}
RESUMED = {"spec": {"suspend": False}}
SUSPENDED = {"spec": {"suspend": True}}
LARGE = "// " + random.Random(7).randbytes(1_500_000).hex()


@pytest.fixture
def server() -> Iterator[FakeApiServer]:
    with fake_api_server(given({})) as started:
        yield started


@pytest.fixture
def options(server: FakeApiServer, tmp_path: Path) -> ClusterOptions:
    placement = Placement("grafana/k6:1.1.0", cpu_request="50m")
    return ClusterOptions(server.kubeconfig(tmp_path), "load", placement, "proxy", kept=3600)


@pytest.fixture
def runner(options: ClusterOptions) -> KubernetesRunner:
    return KubernetesRunner(options)


def spec(script: str = "export default 1", **placement: Any) -> LaunchSpec:
    arguments, environment = pod_command("7", "http://127.0.0.1:9/ingest/7/write", "s3cret")
    return LaunchSpec(JOB, f"{JOB}.js", script, arguments, environment, run="7", generators=2, placement=placement)


def steps(server: FakeApiServer) -> list[str]:
    """What was asked, in short."""
    return [f"{method} {path.rpartition('/namespaces/load/')[2]}" for method, path, _query, _body in server.asked]


def bodies(server: FakeApiServer, method: str, end: str) -> list[Any]:
    return [body for asked, path, _query, body in server.asked if asked == method and path.endswith(end)]


def plays(server: FakeApiServer, scene: str, **annotations: str) -> dict[str, Any]:
    """The server has the objects of a recorded scene."""
    found = seen(scene)
    if annotations:
        found["job"]["metadata"]["annotations"] = annotations
    server.routes |= {
        f"GET /jobs/{JOB}": given(found["job"]),
        "GET /namespaces/load/pods": given({"items": found["pods"]}),
        "GET /events": given({"items": found["events"]}),
        "GET /metrics.k8s.io/v1beta1/namespaces/load/pods": said(404, "no metrics-server"),
    }
    server.routes = dict(sorted(server.routes.items(), key=lambda one: -len(one[0])))
    return dict(found)


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def test_a_launch_makes_the_job_then_what_it_owns_then_lets_it_go(
    server: FakeApiServer, runner: KubernetesRunner
) -> None:
    server.answers = [given(MADE, 201), given({}, 201)]
    runner.launch(spec())
    assert steps(server) == ["POST jobs", "POST configmaps", "POST secrets", f"PATCH jobs/{JOB}"]
    job, config, secret, resumed = (body for _method, _path, _query, body in server.asked)
    assert resumed == RESUMED
    assert config["metadata"]["ownerReferences"][0]["uid"] == secret["metadata"]["ownerReferences"][0]["uid"] == "5d3f"
    assert "s3cret" in json.dumps(secret)
    assert "s3cret" not in json.dumps([job, config])


def test_a_second_launch_changes_nothing(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.answers = [said(409, "exists"), given(GOES)]
    runner.launch(spec())
    assert steps(server) == ["POST jobs", f"GET jobs/{JOB}"]


def test_a_launch_that_was_broken_off_is_brought_to_its_end(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.answers = [said(409, "exists"), given(MADE), said(409, "exists"), said(409, "exists"), given({})]
    runner.launch(spec())
    assert steps(server)[2:] == ["POST configmaps", "POST secrets", f"PATCH jobs/{JOB}"]


def test_a_launch_that_fails_halfway_lets_nothing_go(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.answers = [given(MADE), said(403, 'cannot create resource "configmaps"')]
    with pytest.raises(RunnerError):
        runner.launch(spec())
    assert steps(server) == ["POST jobs", "POST configmaps"]


def test_a_cluster_that_is_too_old_is_said_and_left_as_it_was(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.answers = [given({**MADE, "spec": {"suspend": True}})]
    with pytest.raises(RunnerError, match="1.29") as refusal:
        runner.launch(spec())
    assert refusal.value.permanent
    assert steps(server) == ["POST jobs", f"DELETE jobs/{JOB}"]


def test_what_a_project_asks_for_stands_before_what_is_set_for_all(
    server: FakeApiServer, runner: KubernetesRunner
) -> None:
    server.answers = [given(MADE)]
    runner.launch(spec(cpu_limit="2", image="mirror.example.com/k6:1"))
    (container,) = server.asked[0][3]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "mirror.example.com/k6:1"
    assert container["resources"] == {"requests": {"cpu": "50m"}, "limits": {"cpu": "2"}}


def test_a_script_too_large_for_a_cluster_is_refused_with_the_way_out(
    server: FakeApiServer, runner: KubernetesRunner
) -> None:
    with pytest.raises(RunnerError, match="K6_DEFAULT_PVC") as refusal:
        runner.launch(spec(LARGE))
    assert refusal.value.permanent
    assert server.asked == []


def test_a_script_too_large_for_a_cluster_goes_by_the_volume(
    server: FakeApiServer, options: ClusterOptions, tmp_path: Path
) -> None:
    runner = KubernetesRunner(replace(options, volume="k6-scripts", volume_folder=tmp_path / "volume"))
    server.answers = [given(MADE)]
    runner.launch(spec(LARGE))
    assert steps(server) == ["POST jobs", "POST secrets", f"PATCH jobs/{JOB}"]
    assert (tmp_path / "volume" / f"{JOB}.js").read_text(encoding="utf-8") == LARGE


def test_a_job_that_is_not_there_is_absent(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.answers = [said(404, "not found")]
    assert runner.poll(JOB).phase == "absent"


@pytest.mark.parametrize(("seconds", "phase"), [(1, "waiting"), (60, "absent")])
def test_a_job_that_never_got_its_go_is_as_good_as_none(
    server: FakeApiServer, runner: KubernetesRunner, seconds: float, phase: str
) -> None:
    metadata = {"name": JOB, "creationTimestamp": ago(seconds)}
    server.routes[f"GET /jobs/{JOB}"] = given({"metadata": metadata, "spec": {"suspend": True, "completions": 2}})
    server.routes["GET /pods"] = given({"items": []})
    assert runner.poll(JOB).phase == phase


def test_it_asks_for_events_only_while_pods_are_missing(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "ready")
    assert runner.poll(JOB).phase == "ready"
    assert not any(path.endswith("/events") for _method, path, _query, _body in server.asked)
    plays(server, "quota")
    trouble = runner.poll(JOB).trouble
    assert trouble is not None
    assert trouble["code"] == "pod_quota"
    (asked,) = [query for _method, path, query, _body in server.asked if path.endswith("/events")]
    assert asked == {"fieldSelector": f"involvedObject.kind=Job,involvedObject.name={JOB}"}


def test_who_may_not_read_events_is_told_less_but_told(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "quota")
    server.routes["GET /events"] = said(403, "may not")
    found = runner.poll(JOB)
    assert (found.phase, found.trouble) == ("waiting", None)
    server.routes["GET /events"] = said(500, "etcd is away")
    with pytest.raises(RunnerError):
        runner.poll(JOB)


def test_what_pods_use_is_told_where_somebody_measures_it(server: FakeApiServer, runner: KubernetesRunner) -> None:
    found = plays(server, "running")
    assert {one.cpu for one in runner.poll(JOB).generators} == {None}
    used = {"containers": [{"name": "k6", "usage": {"cpu": "250m", "memory": "64Mi"}}]}
    items = [{"metadata": {"name": found["pods"][1]["metadata"]["name"]}, **used}]
    server.routes["GET /metrics.k8s.io/v1beta1/namespaces/load/pods"] = given({"items": items})
    assert [(one.cpu, one.memory) for one in runner.poll(JOB).generators] == [(None, None), (0.25, 64 << 20)]


def test_begin_tells_every_paused_pod_and_notes_it(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "ready")
    server.routes["GET :6565/proxy/v1/status"] = given({"data": {"attributes": {"paused": True}}})
    runner.begin(JOB)
    told = bodies(server, "PATCH", ":6565/proxy/v1/status")
    assert [body["data"]["attributes"] for body in told] == [{"paused": False}] * 2
    ((note,),) = [list(body["metadata"]["annotations"]) for body in bodies(server, "PATCH", f"/jobs/{JOB}")]
    assert note == BEGUN


def test_begin_leaves_pods_that_run_alone(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "ready")
    server.routes["GET :6565/proxy/v1/status"] = given({"data": {"attributes": {"paused": False}}})
    runner.begin(JOB)
    assert bodies(server, "PATCH", ":6565/proxy/v1/status") == []
    assert len(bodies(server, "PATCH", f"/jobs/{JOB}")) == 1


def test_a_begin_that_reaches_not_all_is_not_noted(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "ready")
    server.routes["GET :6565/proxy/v1/status"] = said(503, "connection refused")
    with pytest.raises(RunnerError):
        runner.begin(JOB)
    assert bodies(server, "PATCH", f"/jobs/{JOB}") == []


def test_a_stop_tells_every_pod_and_notes_it_once(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "running", **{BEGUN: ago(9)})
    runner.stop(JOB)
    plays(server, "running", **{BEGUN: ago(9), STOPPING: ago(1)})
    runner.stop(JOB)
    told = bodies(server, "PATCH", ":6565/proxy/v1/status")
    assert [body["data"]["attributes"] for body in told] == [{"stopped": True}] * 4
    ((note,),) = [list(body["metadata"]["annotations"]) for body in bodies(server, "PATCH", f"/jobs/{JOB}")]
    assert note == STOPPING


def test_pods_that_do_not_end_are_ended(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "running", **{BEGUN: ago(20), STOPPING: ago(9)})
    runner.stop(JOB)
    assert bodies(server, "PATCH", f"/jobs/{JOB}") == [SUSPENDED]


def test_pods_that_have_not_begun_are_ended_at_once(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "unschedulable")
    runner.stop(JOB)
    assert SUSPENDED in bodies(server, "PATCH", f"/jobs/{JOB}")


def test_a_stop_goes_on_past_a_pod_that_does_not_answer(server: FakeApiServer, runner: KubernetesRunner) -> None:
    plays(server, "running", **{BEGUN: ago(9)})
    server.routes["PATCH :6565/proxy/v1/status"] = said(502, "connection refused")
    runner.stop(JOB)
    assert len(bodies(server, "PATCH", ":6565/proxy/v1/status")) == 2


def test_what_is_absent_needs_no_stop(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.answers = [said(404, "not found")]
    runner.stop(JOB)
    assert steps(server) == [f"GET jobs/{JOB}"]


def test_a_pod_whose_log_cannot_be_had_is_named(server: FakeApiServer, runner: KubernetesRunner) -> None:
    found = plays(server, "running")
    first, second = (pod["metadata"]["name"] for pod in found["pods"])
    server.routes[f"GET /pods/{first}/log"] = said(500, "dial tcp: i/o timeout")
    server.routes[f"GET /pods/{second}/log"] = Answer((recorded_run().output.encode(),))
    logs = runner.logs(JOB)
    assert f"[{first}: " in logs.log
    assert "i/o timeout" in logs.log
    assert find(logs.output) == recorded_run().summaries


def test_a_very_long_log_keeps_its_summary_and_has_it_once(
    server: FakeApiServer, runner: KubernetesRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.runners.kubernetes._LONGEST_LOG", 1000)
    log = f"GET /pods/{plays(server, 'finished')['pods'][0]['metadata']['name']}/log"
    begins, ends = "level=info begins\n" * 60, f"level=info ends\n{recorded_run().output}"

    def answer() -> None:
        last = "tailLines" in server.asked[-1][2]
        server.routes[log] = Answer((ends.encode() if last else begins.encode(),))

    server.on_request = answer
    logs = runner.logs(JOB)
    assert find(logs.output) == recorded_run().summaries
    assert logs.log.startswith("level=info begins\n")
    assert logs.log.endswith("level=info ends\n")
    server.on_request = lambda: None
    server.routes[log] = Answer((ends.encode(),))  # long, but whole
    assert find(runner.logs(JOB).output) == recorded_run().summaries


def test_cleaning_up_takes_what_the_job_owns_with_it(server: FakeApiServer, runner: KubernetesRunner) -> None:
    runner.cleanup(JOB)
    ((method, path, query, _body),) = server.asked
    assert (method, path.rpartition("/")[2], query) == ("DELETE", JOB, {"propagationPolicy": "Background"})


def test_only_our_own_jobs_are_listed(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.answers = [given({"items": [{"metadata": {"name": "k6-1"}}, {"metadata": {"name": "k6-2"}}]})]
    assert runner.jobs() == ["k6-1", "k6-2"]
    assert "app.kubernetes.io/managed-by=metricvault" in server.asked[0][2]["labelSelector"]


def test_who_only_looks_asks_for_no_more_than_to_see_a_job(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.routes |= {"GET /version": given({"gitVersion": "v1.33.13"}), "GET /jobs/metricvault-looks": said(404)}
    assert runner.check(to_launch=False) == "Kubernetes v1.33.13"
    assert steps(server) == ["GET /version", "GET jobs/metricvault-looks"]


def test_who_may_not_see_jobs_is_told_so(server: FakeApiServer, runner: KubernetesRunner) -> None:
    server.routes |= {
        "GET /version": given({"gitVersion": "v1.33.13"}),
        "GET /jobs/metricvault-looks": said(403, "no jobs for you"),
    }
    with pytest.raises(RunnerError, match="no jobs for you"):
        runner.check(to_launch=False)
