"""The load generators of a run as its pages show them, and what keeps a run from going on."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from history.board_generators import GeneratorRow
from history.models import TestHistory
from history.reasons import Reason, reason
from history.states import Outcome, Status
from history.tests.sample_runs import plan_of, project_of, run_of

BROWSER = {"accept": "text/html"}
HTMX = {**BROWSER, "HX-Request": "true"}
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'words' {{ run }} 한국어"
NO_ROOM = reason("pod_unschedulable", pod="k6-1", asked="64 cpu", event="0/1 nodes are available: 1 Insufficient cpu.")
OOM = reason("pod_oom", pod="k6-1", limit="20Mi", event="OOMKilled, exit code 137")


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def row(instance: int, phase: str = "running", trouble: Reason | None = None, **changed: Any) -> dict[str, Any]:
    """A generator as a run keeps it."""
    known = {"instance": str(instance), "name": f"k6-{instance}", "phase": phase, "node": "machine-1", "restarts": 0}
    more = {"exit_code": None, "event": "", "cpu": None, "cpu_limit": None, "memory": None, "trouble": trouble}
    return {**known, **more, **changed}


def run_with(owner: User, *rows: dict[str, Any], status: Status = Status.RUNNING, **columns: Any) -> TestHistory:
    plan = {**plan_of(), "generators": 2}
    return run_of(project_of(owner), status, runner="kubernetes", plan_snapshot=plan, generators=list(rows), **columns)


def partial(page: Client, run: TestHistory) -> str:
    answer = page.get(reverse("history:generators", args=[run.pk]), headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def whole(page: Client, run: TestHistory, **headers: str) -> str:
    answer = page.get(f"/runs/{run.pk}/", headers={**BROWSER, **headers})
    assert answer.status_code == 200
    return answer.content.decode()


def cells(text: str) -> list[list[str]]:
    """The words of each row of the table, cell by cell."""
    rows = re.findall(r"<tr data-generator.*?</tr>", text, re.S)
    plain = [re.sub(r"<br>|\s+", " ", one) for one in rows]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.split(r"</t[hd]>", one)[:-1]] for one in plain]


def test_before_there_are_pods_it_says_so(page: Client, alice: User) -> None:
    text = partial(page, run_with(alice, status=Status.STARTING))
    assert "No pod is there yet." in text
    assert "0 of 2 pods ready" in text
    assert "<table" not in text


def test_it_loads_itself_again_while_the_run_is_active_only(page: Client, alice: User) -> None:
    active = run_with(alice, row(0))
    assert f'hx-get="/runs/{active.pk}/generators/" hx-trigger="every 3s"' in partial(page, active)
    assert "hx-get" not in partial(page, run_with(alice, row(0, "finished"), status=Status.COMPLETED))


def test_a_pod_that_waits_says_why_with_the_clusters_words_below(page: Client, alice: User) -> None:
    text = partial(page, run_with(alice, row(0, "ready"), row(1, "waiting", NO_ROOM, node=""), status=Status.STARTING))
    assert "1 of 2 pods ready" in text
    ready, waiting = cells(text)
    assert (ready[0], ready[1], ready[2]) == ("k6-0", "Ready", "machine-1")
    assert waiting[0].startswith("k6-1 No machine of the cluster has room for pod k6-1, which asks for 64 cpu.")
    assert waiting[0].endswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert waiting[1:] == ["Waits", "–", "0", "–", "–"]
    assert "<code" in text


def test_a_lost_pod_is_told_apart_by_word_shape_and_colour(page: Client, alice: User) -> None:
    text = partial(page, run_with(alice, row(0), row(1, "lost", OOM, exit_code=137, restarts=1)))
    assert cells(text)[1][1:4] == ["Lost (137)", "machine-1", "1"]
    assert 'class="mark missed"' in text
    assert 'href="#i-mark-missed"' in text
    assert "OOMKilled, exit code 137" in text
    assert 'class="mark passed"' in text


def test_the_most_cpu_and_memory_are_shown_where_they_are_known(page: Client, alice: User) -> None:
    used = row(0, cpu=0.4567, cpu_limit=1.5, memory=64 * 1024 * 1024)
    first, second = cells(partial(page, run_with(alice, used, row(1, cpu=0.25))))
    assert first[4:] == ["0.46 of 1.5", "64.0 MB"]
    assert second[4:] == ["0.25", "–"]


def test_it_shows_how_closely_they_began_together(page: Client, alice: User) -> None:
    run = run_with(alice, row(0, "finished", started=0.0), row(1, "finished", started=0.12), status=Status.COMPLETED)
    assert "began within 120\u00a0ms" in partial(page, run)
    one = run_with(alice, row(0, "finished", started=0.0), status=Status.COMPLETED)
    assert "began within" not in partial(page, one)


@pytest.mark.parametrize("phase", ["waiting", "ready", "running", "finished", "lost"])
def test_every_phase_has_a_word_in_both_languages(phase: str) -> None:
    shown = GeneratorRow(row(0, phase))
    english = str(shown.state)
    with translation.override("ko"):
        assert str(shown.state) != english


def test_a_pod_without_a_name_is_known_by_its_number(page: Client, alice: User) -> None:
    lost = row(1, "lost", reason("pod_deleted", pod="#1"), name="")
    assert cells(partial(page, run_with(alice, row(0), lost)))[1][0].startswith("1 Pod #1 was deleted by somebody else")


def test_the_live_page_says_what_keeps_the_run_from_going_on(page: Client, alice: User) -> None:
    run = run_with(alice, row(0, "ready"), row(1, "waiting", NO_ROOM), status=Status.STARTING, trouble=NO_ROOM)
    for text in (whole(page, run), whole(page, run, **HTMX)):
        assert 'data-trouble="pod_unschedulable"' in text
        assert "use fewer pods, or add machines." in text
        assert "<code data-event>0/1 nodes are available: 1 Insufficient cpu.</code>" in text
        assert "The pods are being started." in text
    assert 'id="generators"' in whole(page, run)


def test_trouble_that_has_passed_is_not_shown(page: Client, alice: User) -> None:
    assert "data-trouble" not in whole(page, run_with(alice, row(0)))
    over = run_with(alice, row(0, "finished"), status=Status.COMPLETED, trouble=NO_ROOM)
    assert "data-trouble" not in whole(page, over)


def test_a_run_on_this_machine_has_no_pods_to_show(page: Client, alice: User) -> None:
    for status in (Status.RUNNING, Status.COMPLETED):
        text = whole(page, run_of(project_of(alice), status))
        assert 'id="generators"' not in text
        assert "data-trouble" not in text


def test_the_result_shows_the_pods_and_the_loss_with_the_clusters_words(page: Client, alice: User) -> None:
    rows = (row(0, "finished", exit_code=103), row(1, "lost", OOM, exit_code=137))
    run = run_with(alice, *rows, status=Status.FAILED, outcome=Outcome.INVALID, reasons=[OOM])
    text = whole(page, run)
    assert 'id="generators"' in text
    assert "Pod k6-1 was killed: it needed more than its 20Mi of memory" in text
    assert "Give pods more memory, or use more pods." in text
    assert "OOMKilled, exit code 137" in text


def test_why_pods_were_not_ready_is_told_within_one_sentence(page: Client, alice: User) -> None:
    params = {"ready": 1, "wanted": 2, "seconds": 120.0, "why": NO_ROOM, "event": NO_ROOM["params"]["event"]}
    failed = Reason(code="pods_not_ready", good=False, params=params)
    run = run_with(alice, status=Status.FAILED, outcome=Outcome.ERROR, reasons=[failed])
    text = whole(page, run)
    assert "only 1 of 2 pods were ready within" in text
    assert "No machine of the cluster has room for pod k6-1" in text
    assert "1 Insufficient cpu." in text


@pytest.mark.parametrize("status", [Status.STARTING, Status.RUNNING, Status.FAILED])
def test_words_of_the_cluster_are_text_and_never_markup(page: Client, alice: User, status: Status) -> None:
    trouble = reason("pod_refused", event=HOSTILE)
    params = {"ready": 0, "wanted": 2, "seconds": 120.0, "why": trouble, "event": HOSTILE}
    hostile = row(0, "lost", trouble, name=HOSTILE, node=HOSTILE, event=HOSTILE)
    reasons = [Reason(code="pods_not_ready", good=False, params=params), trouble]
    run = run_with(alice, hostile, status=status, trouble=trouble, reasons=reasons, log=HOSTILE)
    texts = [partial(page, run), whole(page, run)]
    if run.is_active:
        texts.append(whole(page, run, **HTMX))
    for text in texts:
        assert "<script>alert(1)" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quoted&quot;" in text


def test_words_of_the_cluster_may_hold_a_percent_sign(page: Client, alice: User) -> None:
    trouble = reason("pod_unschedulable", pod="100%", asked="50% %(pod)s", event="100% of %s are %(full)s")
    text = whole(page, run_with(alice, row(0, "waiting", trouble), status=Status.STARTING, trouble=trouble))
    assert "100% of %s are %(full)s" in text
    assert "50% %(pod)s" in text


def test_it_is_korean_for_korean_readers_but_for_the_clusters_words(page: Client, alice: User) -> None:
    run = run_with(alice, row(0), row(1, "lost", OOM, exit_code=137), trouble=OOM)
    korean = whole(page, run, **{"accept-language": "ko"})
    assert "부하 생성기" in korean
    assert "Load generators" not in korean
    assert "was killed" not in korean
    assert "OOMKilled, exit code 137" in korean


def test_strangers_do_not_see_the_pods(client: Client, alice: User, charlie: User) -> None:
    run = run_with(alice, row(0))
    client.force_login(charlie)
    assert client.get(reverse("history:generators", args=[run.pk]), headers=HTMX).status_code == 404


def test_a_thousand_pods_take_as_many_queries_as_one(page: Client, alice: User, django_assert_max_num_queries) -> None:
    run = run_with(alice, *(row(at) for at in range(1000)))
    with django_assert_max_num_queries(6):
        assert partial(page, run).count("data-generator") == 1000
