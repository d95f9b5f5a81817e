"""What the door to the cluster makes of an API server's answers. The server is a fake, on loopback."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.runners import RunnerError
from loadtests.runners.cluster_api import AlreadyThere, ClusterApi, Gone, NotThere
from loadtests.tests.fake_api_server import Answer, FakeApiServer, fake_api_server, said, watched

PODS = "/api/v1/namespaces/load/pods"
ADDED = {"type": "ADDED", "object": {"metadata": {"name": "k6-0", "resourceVersion": "101"}}}
BOOKMARK = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "150"}}}


@pytest.fixture
def server() -> Iterator[FakeApiServer]:
    with fake_api_server(Answer()) as started:
        yield started


@pytest.fixture
def api(server: FakeApiServer, tmp_path: Path) -> ClusterApi:
    return ClusterApi(server.kubeconfig(tmp_path), "load")


def refused(call: Callable[[], object]) -> RunnerError:
    with pytest.raises(RunnerError) as caught:
        call()
    return caught.value


def test_it_asks_for_what_it_is_told(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [Answer((b'{"items": []}',))]
    assert api.get(PODS, labelSelector="a=b,c/d=e") == {"items": []}
    api.create(PODS, {"kind": "Pod"})
    api.patch(f"{PODS}/k6-0", {"spec": {"suspend": False}})
    api.patch(f"{PODS}/k6-0", {"a": 1}, kind="application/json")
    api.delete(f"{PODS}/k6-0", propagationPolicy="Background")
    assert server.asked == [
        ("GET", PODS, {"labelSelector": "a=b,c/d=e"}, None),
        ("POST", PODS, {}, {"kind": "Pod"}),
        ("PATCH", f"{PODS}/k6-0", {}, {"spec": {"suspend": False}}),
        ("PATCH", f"{PODS}/k6-0", {}, {"a": 1}),
        ("DELETE", f"{PODS}/k6-0", {"propagationPolicy": "Background"}, None),
    ]
    assert server.types[2:4] == ["application/merge-patch+json", "application/json"]


@pytest.mark.parametrize(
    ("status", "kind", "permanent"),
    [
        (400, RunnerError, True),
        (401, RunnerError, True),
        (403, RunnerError, True),
        (404, NotThere, True),
        (409, AlreadyThere, True),
        (410, Gone, False),
        (422, RunnerError, True),
        (429, RunnerError, False),
        (500, RunnerError, False),
        (503, RunnerError, False),
        (504, RunnerError, False),
    ],
)
def test_each_refusal_says_what_the_cluster_said_and_whether_a_retry_helps(
    server: FakeApiServer, api: ClusterApi, status: int, kind: type, permanent: bool
) -> None:
    server.answers = [said(status, "because of 이것")]
    error = refused(lambda: api.get(PODS))
    assert type(error) is kind
    assert error.permanent is permanent
    assert "because of 이것" in str(error)
    assert error.detail["values"] == {"reason": "because of 이것"}


@pytest.mark.parametrize("body", [b"", b"<html>upstream</html>", b"[1]", b'{"message": null}', b"\xff\xfe", b"null"])
def test_a_refusal_in_any_shape_is_still_one(server: FakeApiServer, api: ClusterApi, body: bytes) -> None:
    server.answers = [Answer((body,), 502)]
    error = refused(lambda: api.get(PODS))
    assert not error.permanent
    assert "None" not in str(error)
    assert len(str(error)) > len("The cluster refused: ")


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"[]", b'"text"', b"null", b'{"items":', b"\xff"])
def test_what_is_no_json_object_is_said(server: FakeApiServer, api: ClusterApi, body: bytes) -> None:
    server.answers = [Answer((body,))]
    error = refused(lambda: api.get(PODS))
    assert (str(error), error.permanent) == ("The cluster gave an answer that is no JSON.", False)


def test_nobody_there_is_no_end_of_everything(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        fake = FakeApiServer(f"http://127.0.0.1:{free.getsockname()[1]}")
        api = ClusterApi(fake.kubeconfig(tmp_path), "load")
        error = refused(lambda: api.get(PODS))
    assert not error.permanent
    assert str(error).startswith("The cluster's API server does not answer: ")


def test_an_answer_that_takes_too_long_is_not_waited_for(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [Answer(delay=0.2)]
    assert not refused(lambda: api.get(PODS, timeout=0.05)).permanent


def test_an_answer_that_breaks_off_is_none(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [Answer((b'{"items": [', b"1, 2"), cut=True)]
    assert not refused(lambda: api.get(PODS)).permanent


def test_what_is_not_there_need_not_be_deleted(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [said(404, "not found")]
    api.delete(f"{PODS}/k6-0")
    server.answers = [said(403, "may not")]
    assert refused(lambda: api.delete(f"{PODS}/k6-0")).permanent


def test_a_log_is_text_whatever_its_bytes(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [Answer(("한국어 ".encode(), b"\xff\n"))]
    assert api.text(f"{PODS}/k6-0/log", container="k6") == "한국어 \N{REPLACEMENT CHARACTER}\n"


def test_a_watch_tells_each_change_once(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [watched(ADDED, BOOKMARK)]
    assert list(api.watch(PODS, "100", 60, labelSelector="a=b")) == [ADDED, BOOKMARK]
    (asked,) = server.asked
    assert asked[2] == {
        "labelSelector": "a=b",
        "watch": "1",
        "resourceVersion": "100",
        "timeoutSeconds": "60",
        "allowWatchBookmarks": "true",
    }


def test_changes_are_read_wherever_the_pieces_end(server: FakeApiServer, api: ClusterApi) -> None:
    whole = b"".join(json.dumps(one).encode() + b"\n" for one in (ADDED, BOOKMARK, ADDED))
    pieces = tuple(whole[at : at + 7] for at in range(0, len(whole), 7))
    server.answers = [Answer((b"\n", *pieces), chunked=True)]
    assert list(api.watch(PODS, "100", 60)) == [ADDED, BOOKMARK, ADDED]


def test_a_watch_that_breaks_off_told_what_came_before(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [watched(ADDED, cut=True)]
    heard = []

    def hear() -> None:
        heard.extend([])
        for change in api.watch(PODS, "100", 60):
            heard.append(change)

    assert not refused(hear).permanent
    assert heard == [ADDED]


@pytest.mark.parametrize("as_event", [True, False])
def test_a_watch_from_too_long_ago_is_gone(server: FakeApiServer, api: ClusterApi, as_event: bool) -> None:
    status = {"kind": "Status", "code": 410, "message": "too old resource version: 1 (2)", "reason": "Expired"}
    server.answers = [watched({"type": "ERROR", "object": status}) if as_event else said(410, status["message"])]
    error = refused(lambda: list(api.watch(PODS, "1", 60)))
    assert isinstance(error, Gone)
    assert "too old resource version" in str(error)


def test_a_watch_that_ends_in_another_error_may_be_tried_again(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [watched(ADDED, {"type": "ERROR", "object": {"message": "etcd is away"}})]
    error = refused(lambda: list(api.watch(PODS, "100", 60)))
    assert (type(error), error.permanent) == (RunnerError, False)


def test_a_watch_of_a_stranger_is_refused(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [said(403, "pods is forbidden: cannot watch")]
    assert refused(lambda: list(api.watch(PODS, "100", 60))).permanent


def test_connections_are_used_again_after_a_watch_is_left(server: FakeApiServer, api: ClusterApi) -> None:
    server.answers = [watched(ADDED, BOOKMARK), Answer((b'{"items": []}',))]
    for _change in api.watch(PODS, "100", 60):
        break
    assert api.get(PODS) == {"items": []}


def test_an_unknown_cluster_is_said_with_the_way_out(tmp_path: Path) -> None:
    error = refused(lambda: ClusterApi(str(tmp_path / "nothing"), "load"))
    assert error.permanent
    assert "Set KUBECONFIG" in str(error)
    (tmp_path / "odd").write_text("{not: [yaml", encoding="utf-8")
    assert refused(lambda: ClusterApi(str(tmp_path / "odd"), "load")).permanent
