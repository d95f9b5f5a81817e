"""Changes in the cluster are heard as they happen. The API server is a fake, on loopback; time is set by the test."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from pytest_django.fixtures import Settings

from loadtests import tasks, watching
from loadtests.runners import RunnerError
from loadtests.tests.fake_api_server import Answer, FakeApiServer, fake_api_server, listed, said, watched
from loadtests.watching import Watcher

PODS = "/api/v1/namespaces/load/pods"
GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}


def pod(run: str | None, version: str = "101") -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "metricvault-k6"} | ({} if run is None else {"metricvault/run": run})
    return {"metadata": {"name": f"k6-{run}", "labels": labels, "resourceVersion": version}}


def change(run: str, version: str = "101", kind: str = "MODIFIED") -> dict[str, Any]:
    return {"type": kind, "object": pod(run, version)}


def bookmark(version: str) -> dict[str, Any]:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}


class Clock:
    """Stands in for the module `time`."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(watching, "time", found)
    monkeypatch.setattr(watching, "_PAUSE", 0.01)
    return found


@pytest.fixture
def server(settings: Settings, tmp_path: Path) -> Iterator[FakeApiServer]:
    with fake_api_server(listed()) as started:
        settings.METRICVAULT_RUNNER = "kubernetes"
        settings.KUBECONFIG = started.kubeconfig(tmp_path)
        settings.KUBERNETES_NAMESPACE = "load"
        yield started


@pytest.fixture
def told() -> list[tuple[int, float]]:
    return []


@pytest.fixture
def watcher(told: list[tuple[int, float]], clock: Clock) -> Watcher:
    return Watcher(lambda run, wait: told.append((run, round(wait, 3))))


def until(server: FakeApiServer, watcher: Watcher, requests: int) -> None:
    """Ends the watcher once so much was asked."""

    def count() -> None:
        if len(server.asked) >= requests:
            watcher.ended.set()

    server.on_request = count


def test_it_tells_of_every_run_that_has_pods_already(
    server: FakeApiServer, watcher: Watcher, told: list[tuple[int, float]]
) -> None:
    server.answers = [listed(pod("7"), pod("7"), pod("8")), watched()]
    until(server, watcher, 2)
    watcher.watch_once()
    assert told == [(7, 0.0), (7, 0.5), (8, 0.0)]


def test_it_watches_from_where_it_listed_with_our_label(server: FakeApiServer, watcher: Watcher) -> None:
    server.answers = [listed(version="77"), watched()]
    until(server, watcher, 2)
    watcher.watch_once()
    (_get, path, asked, _body), (_watch, same, followed, _none) = server.asked
    assert path == same == PODS
    assert "app.kubernetes.io/managed-by=metricvault" in asked["labelSelector"]
    assert followed["labelSelector"] == asked["labelSelector"]
    assert (followed["resourceVersion"], followed["timeoutSeconds"]) == ("77", str(watching.WINDOW))


def test_it_tells_of_each_change(
    server: FakeApiServer, watcher: Watcher, told: list[tuple[int, float]], clock: Clock
) -> None:
    server.answers = [listed(), watched(change("7", kind="ADDED"), change("8", kind="DELETED"))]
    until(server, watcher, 3)
    watcher.watch_once()
    assert told[:2] == [(7, 0.0), (8, 0.0)]


def test_the_next_watch_goes_on_where_the_last_one_ended(server: FakeApiServer, watcher: Watcher) -> None:
    server.answers = [listed(version="100"), watched(change("7", "120")), watched(bookmark("150")), watched()]
    until(server, watcher, 4)
    watcher.watch_once()
    assert [asked[2]["resourceVersion"] for asked in server.asked[1:]] == ["100", "120", "150"]


def test_a_bookmark_is_no_change(server: FakeApiServer, watcher: Watcher, told: list[tuple[int, float]]) -> None:
    server.answers = [listed(), watched(bookmark("150"))]
    until(server, watcher, 3)
    watcher.watch_once()
    assert told == []


@pytest.mark.parametrize("gone", [watched(change("7", "120"), GONE), said(410, "too old resource version")])
def test_it_lists_again_when_its_place_is_no_longer_kept(
    server: FakeApiServer, watcher: Watcher, told: list[tuple[int, float]], gone: Answer
) -> None:
    server.answers = [listed(version="100"), gone, listed(pod("9"), version="300"), watched()]
    until(server, watcher, 4)
    watcher.run()
    assert ["watch" in asked[2] for asked in server.asked] == [False, True, False, True]
    assert server.asked[3][2]["resourceVersion"] == "300"
    assert (9, 0.0) in told


@pytest.mark.parametrize(
    "odd",
    [
        said(500, "etcd is away"),
        said(403, "pods is forbidden"),
        said(429, "too many requests"),
        Answer((b"<html>upstream</html>",)),
        Answer((b"{}",)),
        Answer((b'{"items": [', b"1"), cut=True),
        Answer((b'{"items": [{}], "metadata": {}}',)),
    ],
    ids=["500", "403", "429", "no JSON", "no list", "cut", "no pods"],
)
def test_it_goes_on_after_any_odd_answer(
    server: FakeApiServer, watcher: Watcher, told: list[tuple[int, float]], odd: Answer
) -> None:
    server.answers = [odd, listed(pod("7")), watched()]
    until(server, watcher, 3)
    watcher.run()
    assert told == [(7, 0.0)]


def test_it_lists_again_after_a_watch_that_breaks_off(
    server: FakeApiServer, watcher: Watcher, told: list[tuple[int, float]]
) -> None:
    server.answers = [listed(), watched(change("7"), cut=True), listed(pod("8")), watched()]
    until(server, watcher, 4)
    watcher.run()
    assert told == [(7, 0.0), (8, 0.0)]


def test_one_round_does_not_hide_that_the_cluster_is_away(server: FakeApiServer, watcher: Watcher) -> None:
    server.answers = [said(503, "away")]
    with pytest.raises(RunnerError):
        watcher.watch_once()


def test_whoever_is_told_may_fail(server: FakeApiServer, clock: Clock) -> None:
    heard: list[int] = []

    def tell(run: int, wait: float) -> None:
        heard.append(run)
        if len(heard) == 1:
            raise KeyError(run)

    watcher = Watcher(tell)
    server.answers = [listed(pod("7")), listed(pod("8")), watched()]
    until(server, watcher, 3)
    watcher.run()
    assert heard == [7, 8]


def test_a_run_is_looked_at_at_most_twice_a_second_and_once_after_the_last_change(
    watcher: Watcher, told: list[tuple[int, float]], clock: Clock
) -> None:
    looks = []
    for step in range(40):  # a change every 50 ms for 2 s
        clock.now = 1000.0 + step * 0.05
        before = len(told)
        watcher._take(pod("7"))
        looks += [clock.now + wait for _run, wait in told[before:]]
    assert all(later - earlier >= 0.5 - 1e-6 for earlier, later in pairwise(looks))
    assert looks[0] == 1000.0
    assert clock.now <= looks[-1] <= clock.now + 0.5
    assert len(looks) <= 6


def test_runs_do_not_wait_for_each_other(watcher: Watcher, told: list[tuple[int, float]]) -> None:
    for run in ("7", "8", "9"):
        watcher._take(pod(run))
    assert told == [(7, 0.0), (8, 0.0), (9, 0.0)]


def test_a_change_after_a_quiet_time_is_told_at_once(
    watcher: Watcher, told: list[tuple[int, float]], clock: Clock
) -> None:
    watcher._take(pod("7"))
    clock.now += 60
    watcher._take(pod("7"))
    assert told == [(7, 0.0), (7, 0.0)]


@pytest.mark.parametrize("run", [None, "", "abc", "-1", "1.5"])
def test_pods_of_nobody_are_passed_over(watcher: Watcher, told: list[tuple[int, float]], run: str | None) -> None:
    watcher._take(pod(run))
    assert told == []


def test_there_is_nothing_to_watch_on_one_machine() -> None:
    with override_settings(METRICVAULT_RUNNER="local"):
        assert watching.start(lambda run, wait: None) is None


def test_the_worker_looks_when_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(tasks.watch_run, "apply_async", lambda arguments, **how: sent.append((arguments, how)))
    tasks.watch_now(7, 0.25)
    assert sent == [((7,), {"countdown": 0.25, "expires": tasks._EXPIRES})]


def test_redis_away_ends_no_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: object, **how: object) -> None:
        raise OSError("refused")

    monkeypatch.setattr(tasks.watch_run, "apply_async", away)
    tasks.watch_now(7, 0.0)
