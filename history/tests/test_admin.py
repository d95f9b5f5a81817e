"""Data fixes in the admin: everything can be found; measured numbers change only after they are unlocked."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from history.baselines import set_baseline
from history.labelling import add_note, set_labels
from history.models import (
    Baseline,
    BlockHistory,
    FailedRequest,
    MetricSnapshot,
    PhaseHistory,
    RunLabel,
    RunNote,
    ScenarioHistory,
    StageHistory,
    StepHistory,
    TestHistory,
    TimelineHistory,
)
from history.recording import record
from history.tests.recorded_history import recorded_rows
from tests.recorded import recorded_run, recorded_steps

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database_store")]
MODELS = [TestHistory, ScenarioHistory, StageHistory, TimelineHistory, MetricSnapshot]


@pytest.fixture
def run(client: Client, administrator: User, alice: User) -> TestHistory:
    client.force_login(administrator)
    made = recorded_rows(alice)
    record(made, recorded_run().summaries)
    return made


def change_url(row: object, query: str = "") -> str:
    return reverse(f"admin:history_{type(row).__name__.lower()}_change", args=[row.pk]) + query


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_listed_found_and_opened(client: Client, run: TestHistory, model: type) -> None:
    page = client.get(reverse(f"admin:history_{model.__name__.lower()}_changelist"), {"q": "Recorded"})
    assert page.status_code == 200
    assert page.context["cl"].result_count > 0
    assert client.get(change_url(model.objects.first())).status_code == 200


@pytest.mark.parametrize("model", [PhaseHistory, BlockHistory, FailedRequest, RunLabel, RunNote, Baseline])
def test_what_is_kept_and_said_beside_the_numbers_is_listed_found_and_opened(
    client: Client, administrator: User, alice: User, model: type
) -> None:
    client.force_login(administrator)
    run = recorded_rows(alice, recorded=recorded_steps())
    record(run, recorded_steps().summaries)
    TestHistory.objects.filter(pk=run.pk).update(status="completed", is_completed=True, title="Recorded")
    run.refresh_from_db()
    set_labels(run, ["nightly"])
    add_note(run, alice, "calm")
    set_baseline(run, alice)
    FailedRequest.objects.create(test_history=run, step=StepHistory.objects.first(), kind="500")
    page = client.get(reverse(f"admin:history_{model.__name__.lower()}_changelist"), {"q": "Recorded"})
    assert page.context["cl"].result_count > 0
    assert client.get(change_url(model.objects.first())).status_code == 200
    html = client.get(change_url(run)).content.decode()
    assert all(word in html for word in ("nightly", "calm", "Phases of runs"))


def test_deleted_runs_are_shown_with_a_filter(client: Client, run: TestHistory) -> None:
    address = reverse("admin:history_testhistory_changelist")
    TestHistory.objects.filter(pk=run.pk).update(deleted_at=timezone.now())
    found = [client.get(address, {"deleted": choice}).context["cl"].result_count for choice in ("", "1", "0")]
    assert found == [1, 1, 0]


def test_measured_numbers_of_a_phase_are_read_only(client: Client, run: TestHistory) -> None:
    html = client.get(change_url(PhaseHistory.objects.first())).content.decode()
    assert not any(f'name="{name}"' in html for name in ("p95_response_time", "max_vus", "checks_passed"))
    assert "?unlock=1" in html


def test_steps_are_found_and_opened(client: Client, administrator: User, alice: User) -> None:
    client.force_login(administrator)
    record(recorded_rows(alice, recorded=recorded_steps()), recorded_steps().summaries)
    page = client.get(reverse("admin:history_stephistory_changelist"), {"q": "orders"})
    assert page.context["cl"].result_count == 2
    html = client.get(change_url(StepHistory.objects.first())).content.decode()
    assert 'name="request_name"' in html
    assert 'name="p95_response_time"' not in html


def test_measured_numbers_are_read_only(client: Client, run: TestHistory) -> None:
    html = client.get(change_url(run)).content.decode()
    assert 'name="title"' in html
    assert 'name="p95_response_time"' not in html
    assert "?unlock=1" in html


def test_unlocking_says_so_and_opens_them(client: Client, run: TestHistory) -> None:
    html = client.get(change_url(run, "?unlock=1")).content.decode()
    assert 'name="p95_response_time"' in html
    assert "Measured numbers can be changed now." in html


def test_saving_without_unlocking_leaves_the_measurement_alone(client: Client, run: TestHistory) -> None:
    scenario = run.scenarios.first()
    before = scenario.total_requests
    form = client.get(change_url(scenario)).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value is not None}
    data |= {"name": "Renamed", "total_requests": "1", "stages-TOTAL_FORMS": "0", "stages-INITIAL_FORMS": "0"}
    data |= {"steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0"}
    assert client.post(change_url(scenario), data).status_code == 302
    scenario.refresh_from_db()
    assert (scenario.name, scenario.total_requests) == ("Renamed", before)


def test_measurements_cannot_be_made_by_hand(client: Client, run: TestHistory) -> None:
    for model in (TimelineHistory, MetricSnapshot):
        assert client.get(reverse(f"admin:history_{model.__name__.lower()}_add")).status_code == 403


def test_strangers_stay_out(client: Client, run: TestHistory, charlie: User) -> None:
    client.force_login(charlie)
    assert client.get(change_url(run)).status_code == 302
