"""Runs on a cluster move on whatever becomes of their pods. The runner is a fake, as in test_supervision.py; what a
real cluster does is in tests/cluster."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone, translation

from history.models import TestHistory
from history.reasons import Reason, explain, reason
from history.states import Outcome, Status
from loadtests import fleet, supervision
from loadtests.runners import LaunchSpec, Progress, RunnerError
from loadtests.tests.fake_cluster import FakeCluster, cluster, collected, run_on, watched
from tests.recorded import recorded_run

__all__ = ["cluster"]
pytestmark = pytest.mark.django_db
NO_ROOM = reason("pod_unschedulable", pod="k6-1", asked="64 cpu", event="1 Insufficient cpu.")
NO_MEMORY = reason("pod_oom", pod="k6-1", limit="20Mi", event="OOMKilled, exit code 137")
AWAY = RunnerError(
    "The cluster's API server does not answer: %(reason)s.", permanent=False, reason="NewConnectionError"
)
FORBIDDEN = RunnerError("The cluster forbids it: %(reason)s", permanent=True, reason="pods is forbidden")


def codes(run: TestHistory) -> list[str]:
    return [one["code"] for one in run.reasons]


def test_the_load_begins_once_when_all_pods_are_ready(alice: User, cluster: FakeCluster) -> None:
    run = watched(run_on(alice), 1)
    assert cluster.begun == []
    cluster.pods("ready")
    watched(run, 2)
    watched(run, 3)
    assert cluster.begun == [run.job_name]
    assert {row["phase"] for row in run.generators} == {"running"}


def test_one_pod_that_is_not_ready_keeps_the_others_waiting(alice: User, cluster: FakeCluster) -> None:
    cluster.pods("ready", "waiting", trouble=NO_ROOM)
    run = watched(run_on(alice), 10)
    assert cluster.begun == []
    assert run.trouble == NO_ROOM
    assert supervision.waits_for(run) == "1 of 2 pods are ready."


def test_the_cluster_is_asked_for_all_pods_of_the_plan(alice: User, cluster: FakeCluster, settings) -> None:
    run = run_on(alice, Status.QUEUED)
    settings.SCHEDULER_JOB_TIMEOUT_HOURS = 4
    assert supervision.launch(run.pk, timezone.now())
    (spec,) = cluster.launched
    assert isinstance(spec, LaunchSpec)
    assert (spec.generators, spec.run, spec.placement) == (2, str(run.pk), {})
    assert spec.longest > 4 * 3600 + 60  # the cluster itself ends what everybody has forgotten
    assert "--paused" in spec.arguments
    assert run.ingest_token in spec.environment.values()
    assert run.ingest_token not in " ".join(spec.arguments) + spec.script


def test_a_launch_that_the_cluster_refuses_is_no_missing_k6(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.QUEUED)
    cluster.error = FORBIDDEN
    supervision.launch(run.pk, timezone.now())
    run.refresh_from_db()
    assert (run.status, run.outcome, codes(run)) == (Status.FAILED, Outcome.ERROR, ["launch_failed"])
    assert "pods is forbidden" in run.message


def test_pods_that_are_never_ready_fail_the_run_and_stop_the_others(alice: User, cluster: FakeCluster) -> None:
    cluster.pods("ready", "waiting", trouble=NO_ROOM)
    run = watched(run_on(alice), 59)
    assert run.status == Status.STARTING
    watched(run, 61)
    assert (run.status, run.outcome, codes(run)) == (Status.FAILED, Outcome.ERROR, ["pods_not_ready"])
    assert cluster.stopped == [run.job_name]
    assert cluster.begun == []
    assert run.trouble is None


def test_why_the_pods_were_not_ready_is_told_in_the_readers_language(alice: User, cluster: FakeCluster) -> None:
    cluster.pods("ready", "waiting", trouble=NO_ROOM)
    run = watched(run_on(alice), 61)
    (told,) = run.explained
    assert told["message"].startswith("No load was sent: only 1 of 2 pods were ready within")
    assert "No machine of the cluster has room for pod k6-1, which asks for 64 cpu." in told["message"]
    assert told["detail"] == "1 Insufficient cpu."
    with translation.override("ko"):
        (korean,) = run.explained
        (why,) = explain([NO_ROOM])
    assert korean["message"] != told["message"]
    assert why["message"] in korean["message"]
    assert "No machine" not in korean["message"]
    assert korean["detail"] == told["detail"]


def test_pods_that_are_late_for_no_known_reason_are_told_of_without_one(alice: User, cluster: FakeCluster) -> None:
    (told,) = watched(run_on(alice), 61).explained
    assert told["message"].startswith("No load was sent: only 0 of 2 pods were ready within")
    assert told["detail"] == ""


def test_time_in_the_queue_is_no_time_of_the_pods(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.QUEUED, tested_at=timezone.now() - timedelta(minutes=10))
    supervision.launch(run.pk, timezone.now())
    supervision.watch(run.pk, timezone.now())
    run.refresh_from_db()
    assert run.status == Status.STARTING


def test_a_run_that_waited_long_is_not_taken_for_lost_while_it_is_launched(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.QUEUED, tested_at=timezone.now() - timedelta(minutes=10))
    told: list[str] = []

    def slowly(spec: LaunchSpec) -> None:
        cluster.progress = Progress("absent", None, 0, 0, 0, "")
        told.append(supervision.watch(run.pk, timezone.now()))

    cluster.launch = slowly  # type: ignore[method-assign]
    supervision.launch(run.pk, timezone.now())
    assert told == [Status.STARTING]


def test_a_lost_pod_stops_all_and_makes_the_result_invalid(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING)
    cluster.pods("running", "lost", trouble=NO_MEMORY, exit_code=137)
    watched(run)
    assert cluster.stopped == [run.job_name]
    assert run.stop_reason == "lost"
    cluster.ended(137, phase="lost", trouble=NO_MEMORY, exit_code=137)
    collected(run)
    assert (run.status, run.outcome) == (Status.FAILED, Outcome.INVALID)
    assert run.reasons[0] == NO_MEMORY
    assert run.total_requests == 2 * recorded_run().exact["requests"]


def test_a_pod_that_ended_early_is_named_with_its_exit_code(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING)
    early = reason("generator_lost", pod="k6-1", exit_code=105)
    cluster.pods("running", "lost", trouble=early, exit_code=105)
    watched(run)
    cluster.ended(103)
    collected(run)
    assert (run.status, run.outcome, run.reasons[0]) == (Status.FAILED, Outcome.INVALID, early)


def test_why_a_pod_was_lost_is_known_after_it_is_gone(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING)
    evicted = reason("pod_evicted", pod="k6-1", node="machine-1", event="Eviction API: evicting")
    cluster.pods("running", "lost", trouble=evicted, node="machine-1")
    watched(run)
    cluster.pods("running", "lost", name="", trouble=reason("pod_deleted", pod="#1"))
    watched(run, 1)
    cluster.ended(103, name="", exit_code=None)
    collected(run)
    assert run.reasons[0] == evicted
    assert [run.generators[1][name] for name in ("name", "phase", "node")] == ["k6-1", "lost", "machine-1"]


@pytest.mark.parametrize("code", ["pod_oom", "pod_evicted", "pod_deleted", "generator_restarted"])
def test_a_loss_that_is_seen_at_the_very_end_makes_the_result_invalid_too(
    alice: User, cluster: FakeCluster, code: str
) -> None:
    lost = reason(code, pod="k6-1", limit="20Mi", node="n", restarts=1)
    cluster.ended(None, phase="lost", trouble=lost)
    run = collected(run_on(alice, Status.RUNNING))
    assert (run.status, run.outcome, codes(run)[0]) == (Status.FAILED, Outcome.INVALID, code)


def test_a_script_that_fails_in_every_pod_is_told_as_one(alice: User, cluster: FakeCluster) -> None:
    broken = reason("generator_lost", pod="k6-1", exit_code=107)
    cluster.output = ""
    cluster.ended(107, phase="lost", trouble=broken, exit_code=107)
    run = collected(run_on(alice))
    assert (run.status, run.outcome, codes(run)[0]) == (Status.FAILED, Outcome.ERROR, "script_error")


@pytest.mark.parametrize(("error", "code"), [(AWAY, "cluster_away"), (FORBIDDEN, "cluster_forbids")])
def test_a_cluster_that_does_not_answer_is_trouble_and_no_end(
    alice: User, cluster: FakeCluster, error: RunnerError, code: str
) -> None:
    run = run_on(alice, Status.RUNNING)
    cluster.pods("running")
    watched(run)
    cluster.away = error
    watched(run, 1)
    assert run.status == Status.RUNNING
    assert run.troubled is not None
    assert (run.troubled["code"], run.troubled["detail"]) == (code, str(error))
    assert [row["phase"] for row in run.generators] == ["running", "running"]  # what was known last
    cluster.away = None
    watched(run, 2)
    assert run.trouble is None
    cluster.ended(0)
    collected(run)
    assert (run.status, run.outcome) == (Status.COMPLETED, Outcome.PASSED)


def test_a_stop_that_did_not_reach_the_cluster_is_tried_again(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING, stop_requested_at=timezone.now(), stop_reason="user")
    cluster.pods("running")
    cluster.away = AWAY
    supervision.stop(run.pk)
    watched(run)
    assert cluster.stopped == []
    cluster.away = None
    watched(run, 1)
    assert cluster.stopped == [run.job_name]
    cluster.ended(103)
    collected(run)
    assert (run.status, run.outcome) == (Status.STOPPED, "")


def test_a_run_stopped_by_its_user_is_stopped_though_pods_had_to_be_killed(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING, stop_requested_at=timezone.now(), stop_reason="user")
    cluster.pods("running")
    watched(run)
    cluster.ended(137)
    collected(run)
    assert (run.status, codes(run)[0]) == (Status.STOPPED, "stopped")


def test_a_generator_at_its_cpu_limit_makes_the_run_invalid(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING)
    cluster.pods("running", cpu=0.95, memory=50_000_000)
    watched(run)
    cluster.pods("running", cpu=0.2, memory=20_000_000)  # the most it took counts
    watched(run, 1)
    cluster.ended(0)
    collected(run)
    assert (run.status, run.outcome, codes(run)[0]) == (Status.COMPLETED, Outcome.INVALID, "generator_busy")
    assert run.message.startswith("Pod k6-1 used 95.00\u00a0% of its CPU limit")
    assert (run.generators[1]["cpu"], run.generators[1]["memory"]) == (0.95, 50_000_000)


@pytest.mark.parametrize(("cpu", "limit"), [(0.9, 1.0), (0.95, None), (None, 1.0), (1.7, 2.0)])
def test_a_generator_below_its_limit_or_without_one_raises_no_doubt(
    alice: User, cluster: FakeCluster, cpu: float | None, limit: float | None
) -> None:
    run = run_on(alice, Status.RUNNING)
    cluster.pods("running", cpu=cpu, cpu_limit=limit)
    watched(run)
    cluster.ended(0, cpu_limit=limit)
    assert collected(run).outcome == Outcome.PASSED


def test_a_pod_that_left_no_summary_is_said(alice: User, cluster: FakeCluster) -> None:
    cluster.output = recorded_run().output
    cluster.ended(0)
    run = collected(run_on(alice, Status.RUNNING))
    assert run.status == Status.COMPLETED
    (missing,) = [one for one in run.reasons if one["code"] == "summaries_missing"]
    assert missing["params"] == {"missing": 1, "wanted": 2, "count": 2 * recorded_run().exact["requests"]}
    assert run.total_requests == 2 * recorded_run().exact["requests"]


def test_the_page_knows_the_pods_when_there_are_none_left(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING)
    cluster.pods("running", node="machine-1")
    watched(run)
    cluster.progress = Progress("finished", 0, 2, 0, 0, "")
    collected(run)
    assert [(row["name"], row["node"]) for row in run.generators] == [("k6-0", ""), ("k6-1", "machine-1")]


def test_a_pod_that_vanished_keeps_its_name(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.RUNNING)
    cluster.pods("running")
    watched(run)
    cluster.pods("running", "lost", name="", trouble=reason("pod_deleted", pod="#1"))
    watched(run, 1)
    assert run.generators[1]["name"] == "k6-1"


def test_noting_the_same_twice_writes_once(alice: User, cluster: FakeCluster, django_assert_num_queries) -> None:
    cluster.pods("running")
    run = run_on(alice, Status.RUNNING)
    with django_assert_num_queries(1):
        fleet.note(run, cluster.progress)
        fleet.note(run, cluster.progress)


def test_every_reason_of_a_fleet_has_a_sentence_without_gaps() -> None:
    known: list[Reason] = [NO_ROOM, NO_MEMORY, reason("cluster_away", event="x"), reason("cluster_forbids", event="x")]
    for told in explain(known):
        assert "%(" not in told["message"]
        assert told["detail"]
