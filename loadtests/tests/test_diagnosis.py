"""What is made of a Job and its pods. The objects are a real cluster's (pods_seen.json, made by bench/record_pods.py);
what is changed in them says so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.reasons import explain
from loadtests.runners import Progress
from loadtests.runners.diagnosis import BEGUN, age, progress_of, usage, worst
from loadtests.tests.pods_seen import FILE, Json, Scene, seen

BEGUN_AT = "2026-11-24T05:46:00.000+00:00"


def progress(scene: Scene | str, stopping: bool = False) -> Progress:
    found = seen(scene) if isinstance(scene, str) else scene
    return progress_of(found["job"], found["pods"], found["events"], stopping)


def phases(found: Progress) -> list[str]:
    return [one.phase for one in found.generators]


def code(found: Progress) -> str:
    """Of the trouble of the whole."""
    assert found.trouble is not None
    return found.trouble["code"]


def begun(scene: Scene) -> Scene:
    scene["job"]["metadata"]["annotations"] = {BEGUN: BEGUN_AT}
    return scene


def ended(pod: Json, exit_code: int, reason: str = "Error") -> Json:
    """The pod once its container ended."""
    terminated = {"exitCode": exit_code, "reason": reason}
    pod["status"]["containerStatuses"][0] |= {"ready": False, "state": {"terminated": terminated}}
    pod["status"]["phase"] = "Succeeded" if exit_code == 0 else "Failed"
    return pod


def test_pods_that_come_up_are_waited_for() -> None:
    found = progress("waiting")
    assert (found.phase, found.wanted, found.ready, found.failed) == ("waiting", 2, 0, 0)
    assert phases(found) == ["waiting", "waiting"]
    assert (found.trouble, found.exit_code) == (None, None)


def test_all_paused_pods_are_ready() -> None:
    found = progress("ready")
    assert (found.phase, found.ready) == ("ready", 2)
    assert [one.instance for one in found.generators] == ["0", "1"]
    assert {one.node for one in found.generators} == {"metricvault-node"}


def test_one_ready_pod_of_two_is_not_all() -> None:
    scene = seen("ready")
    scene["pods"][1]["status"]["containerStatuses"][0]["ready"] = False
    found = progress(scene)
    assert (found.phase, found.ready, phases(found)) == ("waiting", 1, ["ready", "waiting"])


def test_a_pod_that_is_not_made_yet_is_waited_for() -> None:
    scene = seen("ready")
    del scene["pods"][1]
    assert (progress(scene).phase, progress(scene).trouble) == ("waiting", None)


def test_pods_that_were_told_to_begin_run() -> None:
    found = progress("running")
    assert (found.phase, found.ready, phases(found)) == ("running", 2, ["running", "running"])


@pytest.mark.parametrize(("scene", "exit_code"), [("finished", 0), ("thresholds", 99)])
def test_a_load_that_came_to_its_end_is_finished_whatever_its_thresholds(scene: str, exit_code: int) -> None:
    found = progress(scene)
    assert (found.phase, found.exit_code, found.failed, found.trouble) == ("finished", exit_code, 0, None)
    assert phases(found) == ["finished"]


def test_it_is_finished_before_the_cluster_says_so() -> None:
    scene = seen("finished")
    scene["job"]["status"]["conditions"] = []
    assert progress(scene).phase == "finished"


def test_a_script_that_fails_is_told_with_its_exit_code() -> None:
    found = progress("script_error")
    assert (found.phase, found.exit_code, found.failed, code(found)) == ("finished", 107, 1, "generator_lost")


def test_a_stop_is_no_loss() -> None:
    found = progress("stopped", stopping=True)
    assert (found.phase, found.exit_code, found.failed, found.trouble, found.lost) == ("finished", 103, 0, None, None)


def test_the_same_end_without_a_stop_is_a_loss() -> None:
    found = progress("stopped")
    assert (found.failed, code(found)) == (2, "generator_lost")
    assert found.lost is not None
    assert found.lost.exit_code == 103


def test_a_pod_that_ends_early_is_lost_while_the_other_runs() -> None:
    scene = seen("running")
    ended(scene["pods"][1], 105)
    found = progress(scene)
    assert (found.phase, found.exit_code, phases(found)) == ("running", None, ["running", "lost"])
    assert found.lost is not None
    assert found.lost.instance == "1"


@pytest.mark.parametrize("exit_code", [0, 99])
def test_a_pod_that_is_done_before_the_others_is_not_lost(exit_code: int) -> None:
    scene = seen("running")
    ended(scene["pods"][0], exit_code)
    found = progress(scene)
    assert (found.phase, phases(found), found.lost, found.trouble) == ("running", ["finished", "running"], None, None)


def test_a_pod_that_needs_too_much_memory_is_said_with_its_limit() -> None:
    found = progress("oom")
    assert (code(found), found.exit_code, found.failed) == ("pod_oom", 137, 1)
    assert found.trouble is not None
    assert found.trouble["params"]["limit"] == "20Mi"
    assert "OOMKilled" in found.trouble["params"]["event"]


def test_an_image_that_is_not_there_is_named() -> None:
    found = progress("image")
    assert (found.phase, code(found)) == ("waiting", "pod_image")
    assert found.trouble is not None
    assert found.trouble["params"]["image"] == "grafana/k6:0.0.0"
    assert found.trouble["params"]["event"].startswith("ErrImagePull: failed to pull")
    assert found.generators[0].event == found.trouble["params"]["event"]


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_every_way_to_have_no_image_is_one(reason: str) -> None:
    scene = seen("image")
    scene["pods"][0]["status"]["containerStatuses"][0]["state"]["waiting"] = {"reason": reason}
    assert code(progress(scene)) == "pod_image"


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "RunContainerError", "CrashLoopBackOff"])
def test_a_container_that_cannot_be_started_is_said(reason: str) -> None:
    scene = seen("image")
    waiting = {"reason": reason, "message": 'secret "k6" not found'}
    scene["pods"][0]["status"]["containerStatuses"][0]["state"]["waiting"] = waiting
    found = progress(scene)
    assert code(found) == "pod_not_started"
    assert found.generators[0].event == f'{reason}: secret "k6" not found'


def test_a_pod_for_which_there_is_no_room_says_what_it_asks_for() -> None:
    found = progress("unschedulable")
    assert (found.phase, code(found)) == ("waiting", "pod_unschedulable")
    assert found.trouble is not None
    assert found.trouble["params"]["asked"] == "64 cpu, 64Mi memory"
    assert "Insufficient cpu" in found.trouble["params"]["event"]


def test_an_eviction_is_a_loss_at_once() -> None:
    found = progress("evicted")
    assert (found.phase, phases(found), code(found)) == ("running", ["lost", "running"], "pod_evicted")
    assert found.generators[0].event == "Eviction API: evicting"


def test_an_eviction_by_the_machine_is_said_with_its_reason() -> None:
    found = progress("evicted_by_kubelet")
    assert (found.phase, code(found), found.failed) == ("finished", "pod_evicted", 1)
    assert found.generators[0].event.startswith("Pod ephemeral local storage usage exceeds")


def test_a_pod_that_somebody_deletes_is_lost() -> None:
    found = progress("deleted")
    assert (phases(found), code(found)) == (["lost", "running"], "pod_deleted")


@pytest.mark.parametrize("scene", ["deleted_gone", "evicted_gone"])
def test_a_pod_that_is_gone_is_lost_and_keeps_its_place(scene: str) -> None:
    found = progress(scene)
    assert (found.phase, phases(found), code(found)) == ("running", ["lost", "running"], "pod_deleted")
    assert [one.instance for one in found.generators] == ["0", "1"]


def test_a_pod_that_is_gone_after_a_stop_was_ended_by_us() -> None:
    found = progress("deleted_gone", stopping=True)
    assert (phases(found), found.trouble, found.lost) == (["finished", "running"], None, None)


@pytest.mark.parametrize("scene", ["deleted", "evicted"])
def test_a_pod_that_is_being_ended_after_a_stop_is_no_loss(scene: str) -> None:
    found = progress(scene, stopping=True)
    assert (phases(found), found.trouble, found.lost) == (["running", "running"], None, None)


@pytest.mark.parametrize(("reason", "trouble"), [("Error", None), ("OOMKilled", "pod_oom")])
def test_a_pod_killed_for_not_stopping_did_not_run_out_of_memory(reason: str, trouble: str | None) -> None:
    scene = seen("running")
    for pod in scene["pods"]:
        ended(pod, 137, reason)
    found = progress(scene, stopping=True)
    assert (found.phase, found.exit_code, found.failed) == ("finished", 137, 0)
    assert (found.trouble and found.trouble["code"]) == trouble


def test_all_pods_gone_is_an_end_that_nobody_saw() -> None:
    scene = seen("running")
    scene["pods"] = []
    found = progress(scene)
    assert (found.phase, found.exit_code, phases(found)) == ("finished", None, ["lost", "lost"])


def test_a_load_that_was_stopped_before_it_began_is_over() -> None:
    found = progress("stopped_before_begin", stopping=True)
    assert (found.phase, found.exit_code, found.trouble) == ("finished", None, None)


def test_a_load_that_took_longer_than_anybody_allowed_is_over() -> None:
    found = progress("deadline")
    assert (found.phase, found.exit_code, found.failed) == ("finished", 105, 1)


def test_it_is_over_when_the_cluster_ended_it_and_its_pods_are_gone() -> None:
    scene = seen("deadline")
    scene["pods"] = []
    assert (progress(scene).phase, progress(scene).exit_code) == ("finished", None)


def test_a_machine_that_falls_silent_is_no_loss_but_said() -> None:
    found = progress("node_lost")
    assert (found.phase, phases(found), code(found)) == ("running", ["running", "running"], "pod_node_lost")
    assert found.trouble is not None
    assert found.trouble["params"]["node"] == "metricvault-node"


def test_a_pod_of_which_nothing_is_known_is_on_a_silent_machine() -> None:
    scene = seen("running")
    scene["pods"][0]["status"]["phase"] = "Unknown"
    assert code(progress(scene)) == "pod_node_lost"


@pytest.mark.parametrize(
    ("scene", "said", "words"),
    [("quota", "pod_quota", "exceeded quota: small"), ("admission", "pod_refused", "maximum memory usage")],
)
def test_what_keeps_pods_from_being_made_is_said_in_the_clusters_words(scene: str, said: str, words: str) -> None:
    found = progress(scene)
    assert (found.phase, code(found), found.generators) == ("waiting", said, ())
    assert found.trouble is not None
    assert words in found.trouble["params"]["event"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('pods "k6-0-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', "pod_refused"),
        ('pods "k6-0-x" is forbidden: failed quota: small: must specify limits.cpu', "pod_quota"),
        ('pods is forbidden: User "system:x" cannot create resource "pods" in API group ""', "cluster_forbids"),
        ('admission webhook "policy.example.com" denied the request: no', "pod_refused"),
    ],
)
def test_each_refusal_has_its_sentence(message: str, said: str) -> None:
    scene = seen("admission")
    scene["events"][1]["message"] = message
    scene["events"] = scene["events"][:2]
    assert code(progress(scene)) == said


def test_the_newest_warning_counts() -> None:
    scene = seen("admission")
    warnings = [one for one in scene["events"] if one["type"] == "Warning"]
    newer = {**warnings[0], "lastTimestamp": "2099-01-01T00:00:00Z", "message": "exceeded quota: small"}
    scene["events"].insert(0, newer)
    assert code(progress(scene)) == "pod_quota"


def test_events_do_not_matter_once_load_flows_or_pods_are_there() -> None:
    scene = seen("running")
    scene["events"] = seen("admission")["events"]
    assert progress(scene).trouble is None
    del scene["pods"][0]
    assert code(progress(scene)) == "pod_deleted"


def test_a_pod_made_again_in_the_middle_of_the_run_is_lost() -> None:
    scene = seen("running")
    first = scene["pods"][0]
    again = seen("running")["pods"][0]
    again["metadata"] |= {"name": "k6-two-0-again", "creationTimestamp": "2099-01-01T00:00:00Z"}
    ended(first, 137)
    scene["pods"].insert(0, again)  # in whatever order the cluster lists them
    found = progress(scene)
    assert found.generators[0].name == "k6-two-0-again"
    assert (phases(found), code(found)) == (["lost", "running"], "generator_restarted")
    assert found.generators[0].restarts == 1


def test_a_container_that_was_started_again_is_lost_too() -> None:
    scene = seen("running")
    scene["pods"][1]["status"]["containerStatuses"][0]["restartCount"] = 2
    found = progress(scene)
    assert (phases(found), code(found), found.generators[1].restarts) == (
        ["running", "lost"],
        "generator_restarted",
        2,
    )


def test_a_pod_made_again_before_the_load_began_is_as_good_as_any() -> None:
    scene = seen("ready")
    again = seen("ready")["pods"][0]
    again["metadata"] |= {"name": "k6-two-0-again", "creationTimestamp": "2099-01-01T00:00:00Z"}
    scene["pods"].append(again)
    found = progress(scene)
    assert (found.phase, len(found.generators), found.generators[0].restarts, found.trouble) == ("ready", 2, 1, None)


def test_the_cpu_limit_is_told_where_there_is_one() -> None:
    scene = seen("running")
    scene["pods"][0]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1500m"}}
    assert [one.cpu_limit for one in progress(scene).generators] == [1.5, None]


@pytest.mark.parametrize("name", ["image", "oom", "unschedulable", "evicted", "deleted", "node_lost", "quota"])
def test_every_trouble_is_a_sentence_with_the_clusters_words_below(name: str) -> None:
    found = progress(name)
    assert found.trouble is not None
    (told,) = explain([found.trouble])
    assert "%(" not in told["message"]
    assert told["message"].endswith(".")
    assert told["detail"] == found.trouble["params"].get("event", "")


def test_the_recorded_objects_name_no_registry_and_no_secret() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert "docker.io" not in text
    assert "token" not in text


@pytest.mark.parametrize(
    ("codes", "one"),
    [
        ([0, 0, 0], 0),
        ([0, 99, 0], 99),
        ([0, 137, 99], 137),
        ([103, 103], 103),
        ([0, None], None),
        ([None, 107], 107),
        ([None, None], None),
        ([], None),
    ],
)
def test_one_exit_code_stands_for_all(codes: list[int | None], one: int | None) -> None:
    assert worst(codes) == one


@given(st.lists(st.sampled_from([0, 99, 103, 105, 107, 137, None]), max_size=8))
def test_one_bad_end_spoils_all(codes: list[int | None]) -> None:
    found = worst(codes)
    assert (found in (0, 99)) == (bool(codes) and set(codes) <= {0, 99})
    assert found is None or found in codes


@given(st.sampled_from(["waiting", "ready", "running", "deleted", "node_lost", "stopped"]), st.data())
def test_whatever_order_the_cluster_lists_pods_in(name: str, data: Any) -> None:
    scene = seen(name)
    scene["pods"] = data.draw(st.permutations(scene["pods"]))
    assert progress(scene) == progress(name)


@given(st.sampled_from(["running", "deleted", "evicted", "stopped", "node_lost"]), st.booleans(), st.data())
def test_a_load_that_began_is_told_generator_by_generator(name: str, stopping: bool, data: Any) -> None:
    scene = begun(seen(name))
    scene["pods"] = [pod for pod in scene["pods"] if data.draw(st.booleans())]
    found = progress(scene, stopping)
    assert [one.instance for one in found.generators] == ["0", "1"]
    assert found.failed == phases(found).count("lost")
    assert not (stopping and len(scene["pods"]) < 2 and found.lost and not found.lost.name)


def test_what_pods_use_is_read_from_the_metrics_server() -> None:
    k6 = {"name": "k6", "usage": {"cpu": "250000000n", "memory": "65536Ki"}}
    sidecar = {"name": "mesh", "usage": {"cpu": "9", "memory": "9Gi"}}
    found = usage({"items": [{"metadata": {"name": "k6-0"}, "containers": [sidecar, k6]}, {"metadata": {"name": "b"}}]})
    assert found == {"k6-0": (pytest.approx(0.25), 67_108_864), "b": (None, None)}
    assert usage({}) == {}


def test_a_job_knows_its_age() -> None:
    job = seen("waiting")["job"]
    job["metadata"]["creationTimestamp"] = "2026-11-24T05:00:00Z"
    assert age(job, datetime(2026, 11, 24, 5, 0, 30, tzinfo=UTC)) == 30.0
