"""k6's REST API in a pod, through the API server or straight at its address. k6 is real where it can be, its API server
a fake."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.k6.plan import StagePlan
from loadtests.k6.script import SUMMARY_MARK, build_script
from loadtests.runners import RunnerError, pod_rest
from loadtests.runners.cluster_api import ClusterApi
from loadtests.runners.manifests import Json
from loadtests.runners.pod_rest import PodRest
from loadtests.tests.conftest import Target, run_plan, scenario, wait_until
from loadtests.tests.fake_api_server import Answer, FakeApiServer, fake_api_server, given, said

POD: Json = {"metadata": {"name": "k6-0"}, "status": {"podIP": "127.0.0.1"}}
THROUGH = "/api/v1/namespaces/load/pods/k6-0:6565/proxy/v1/status"
PAUSED = given({"data": {"attributes": {"paused": True}}})
RUNNING = given({"data": {"attributes": {"paused": False}}})


@pytest.fixture
def server() -> Iterator[FakeApiServer]:
    with fake_api_server(PAUSED) as started:
        yield started


@pytest.fixture
def proxied(server: FakeApiServer, tmp_path: Path) -> PodRest:
    return PodRest(ClusterApi(server.kubeconfig(tmp_path), "load"), "proxy")


@pytest.fixture
def direct(server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PodRest:
    """The fake server stands for k6 itself."""
    monkeypatch.setattr(pod_rest, "API_PORT", int(server.url.rpartition(":")[2]))
    return PodRest(ClusterApi(server.kubeconfig(tmp_path), "load"), "direct")


def failure(call: Callable[[Json], None], pod: Json = POD) -> RunnerError:
    with pytest.raises(RunnerError) as caught:
        call(pod)
    return caught.value


def test_a_paused_pod_is_told_to_begin_through_the_api_server(server: FakeApiServer, proxied: PodRest) -> None:
    proxied.resume(POD)
    (asked, _none), (told, body) = ((method, body) for method, path, _query, body in server.asked if path == THROUGH)
    assert (asked, told) == ("GET", "PATCH")
    assert body == {"data": {"type": "status", "id": "default", "attributes": {"paused": False}}}
    assert server.types[1] == "application/json"  # k6 takes no merge patch


def test_the_same_goes_straight_to_the_pod(server: FakeApiServer, direct: PodRest) -> None:
    direct.resume(POD)
    assert [(method, path) for method, path, _query, _body in server.asked] == [
        ("GET", "/v1/status"),
        ("PATCH", "/v1/status"),
    ]
    assert server.asked[1][3]["data"]["attributes"] == {"paused": False}


@pytest.mark.parametrize("access", ["proxied", "direct"])
def test_one_that_runs_is_left_alone(server: FakeApiServer, access: str, request: pytest.FixtureRequest) -> None:
    server.answers = [RUNNING]
    request.getfixturevalue(access).resume(POD)
    assert [method for method, _path, _query, _body in server.asked] == ["GET"]


@pytest.mark.parametrize(
    "odd",
    [
        said(503, "away"),
        Answer((b"<html>",)),
        Answer((b"[1]",)),
        Answer((b'{"data": [',), cut=True),
        given({}),
        given({"data": None}),
        given({"data": "text"}),
    ],
    ids=["503", "no JSON", "a list", "cut", "empty", "null", "text"],
)
@pytest.mark.parametrize("access", ["proxied", "direct"])
def test_an_odd_answer_is_said_and_may_be_tried_again(
    server: FakeApiServer, access: str, odd: Answer, request: pytest.FixtureRequest
) -> None:
    server.answers = [odd]
    assert not failure(request.getfixturevalue(access).resume).permanent


def test_a_pod_that_nobody_listens_in_is_named(direct: PodRest, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(pod_rest, "API_PORT", free.getsockname()[1])
        error = failure(direct.warm_up)
    assert str(error).startswith("k6 in k6-0 does not answer: ")


@pytest.mark.parametrize("access", ["proxied", "direct"])
def test_a_stop_of_one_that_does_not_answer_is_left_to_the_cluster(
    server: FakeApiServer, access: str, request: pytest.FixtureRequest
) -> None:
    server.answers = [said(502, "connection refused")]
    request.getfixturevalue(access).stop(POD)
    assert server.asked[0][3]["data"]["attributes"] == {"stopped": True}


def test_a_pod_without_an_address_yet_is_said(direct: PodRest) -> None:
    assert not failure(direct.warm_up, {"metadata": {"name": "k6-0"}, "status": {}}).permanent


def test_a_real_k6_waits_begins_and_stops(
    k6: str, direct: PodRest, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(pod_rest, "API_PORT", port)
    script = tmp_path / "script.js"
    script.write_text(build_script(run_plan(scenario(url=target.url, stages=(StagePlan(30, 1),), think_time=0.01))))
    command = [k6, "run", "--quiet", "--no-usage-report", "--paused", "--address", f"127.0.0.1:{port}", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        wait_until(lambda: _answers(direct))
        assert target.count == 0
        direct.resume(POD)
        direct.resume(POD)
        wait_until(lambda: target.count > 3)
        direct.stop(POD)
        output, _nothing = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 103
    (line,) = output.splitlines()
    counted = json.loads(line.removeprefix(SUMMARY_MARK))["metrics"]["http_reqs"]["values"]["count"]
    assert 0 <= target.count - counted <= 1


def _answers(rest: PodRest) -> bool:
    try:
        rest.warm_up(POD)
    except RunnerError:
        return False
    return True
