"""One iteration of a plan with a real k6: what is sent, what comes back, what is said of it."""

import json
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

from history.reasons import Reason, explain, reason
from loadtests import planning, tasks, trying
from loadtests.editing import full_plans
from loadtests.k6.masking import MASK
from loadtests.models import Plan, Step, Try
from loadtests.runners import LaunchSpec, Progress, open_runner
from loadtests.tests.journey import Shop, make_journey, open_shop
from metricvault.lib.errors import NotAllowed, Refused, TooMany
from projects.environments import sealed
from projects.models import DataFile, Environment, Membership

pytestmark = [pytest.mark.django_db, pytest.mark.needs("k6")]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as server:
        yield server


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Any) -> None:
    settings.METRICVAULT_DATA_DIR = tmp_path


def asked(plan: Plan, user: User) -> Try:
    found = full_plans().get(pk=plan.pk)
    return trying.start(planning.from_plan(found), user, found)


def tried(plan: Plan, user: User) -> Try:
    """The plan, tried to the end."""
    row = asked(plan, user)
    while not trying.run(row.pk, timezone.now()) and not trying.follow(row.pk, timezone.now()):
        pass
    row.refresh_from_db()
    return row


def sentence(row: Try) -> str:
    return explain([row.message])[0]["message"] if row.message else ""


def test_each_step_is_sent_once_in_its_order(alice: User, shop: Shop) -> None:
    row = tried(make_journey(alice, shop.url), alice)
    assert shop.seen == ["POST /login", "POST /orders", "GET /orders/41"]
    assert (row.state, row.message) == ("passed", None)
    assert [one["state"] for one in row.result] == ["passed"] * 3


def test_request_and_answer_of_each_step_are_kept(alice: User, shop: Shop) -> None:
    order = tried(make_journey(alice, shop.url), alice).result[1]
    assert (order["request"]["method"], order["request"]["url"]) == ("POST", f"{shop.url}/orders")
    assert order["request"]["body"] == '{"n": 2}'
    assert order["response"]["status"] == 201
    assert ["Location", "/orders/41"] in order["response"]["headers"]
    assert order["response"]["body"] == '{"order": {"id": 41}, "got": {"n": 2}}'
    assert 0 < order["response"]["duration"] < 5000
    assert [(one["name"], one["value"]) for one in order["extracts"]] == [("order_id", "41")]


def test_cookies_of_an_answer_are_kept(alice: User, shop: Shop) -> None:
    login = tried(make_journey(alice, shop.url), alice).result[0]
    assert login["response"]["cookies"] == [["sid", "abc"]]


def test_nothing_is_left_on_the_machine(alice: User, shop: Shop) -> None:
    tried(make_journey(alice, shop.url), alice)
    assert open_runner().jobs() == []


def test_a_value_that_is_not_there_is_said_at_its_step(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    step = Step.objects.get(position=1)
    step.extracts = [{"name": "order_id", "kind": "json", "expression": "$.id"}]
    step.save()
    row = tried(plan, alice)
    assert row.state == "failed"
    assert sentence(row) == "POST /orders: The answer has nothing at $.id, so “order_id” is empty."
    assert [one["state"] for one in row.result][:2] == ["passed", "failed"]


def test_a_status_and_a_check_that_do_not_hold_are_both_said(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    Step.objects.filter(position=2).update(headers=[])
    row = tried(plan, alice)
    said = [one["message"] for one in explain(row.result[2]["problems"])]
    assert said[0] == "The answer was “401 Unauthorized”, which counts as a failure here; expected: 200-399."
    assert said[1].startswith("This check does not hold: ")
    assert said[1].endswith("Found: false")
    assert row.result[2]["checks"][0]["ok"] is False


def test_a_target_that_is_not_there_is_a_sentence(alice: User) -> None:
    row = tried(make_journey(alice, "http://127.0.0.1:9"), alice)
    assert row.state == "failed"
    assert sentence(row).endswith("Nothing listens at 127.0.0.1:9. Check that it runs and that the base URL is right.")
    assert row.result[0]["response"] is None


def echoing(plan: Plan, **columns: Any) -> Step:
    """The plan with one step alone, whose endpoint answers with what it was sent."""
    Step.objects.exclude(position=1).delete()
    step = Step.objects.select_related("endpoint").get()
    assert step.endpoint
    step.endpoint.path = "/echo"
    step.endpoint.security = columns.pop("security", [])
    step.endpoint.save()
    Step.objects.update(**{"statuses": [], "extracts": [], **columns})
    return step


def in_environment(plan: Plan, secrets: dict[str, str], **columns: Any) -> None:
    """The plan in an environment of these secrets."""
    plan.environment = Environment.objects.create(
        project=plan.project, name="staging", sealed=sealed(secrets), **columns
    )
    plan.save()


def test_secrets_reach_the_target_and_nobody_else(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    variable = {"name": "key", "value": "", "secret": True}
    in_environment(plan, {"variable:key": "pa/ss wörd"}, variables=[variable])
    header = {"name": "X-Key", "value": "{{key}}"}
    echoing(plan, body='{"key": "{{key}}"}', headers=[header])
    row = tried(plan, alice)
    assert row.state == "passed", row.message
    assert "ss w" not in str(row.result) + row.log
    answer = row.result[0]["response"]
    assert answer["body"].count(MASK) == 2


def test_an_access_token_that_k6_fetched_is_not_shown(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    login = {
        "scheme": "oauth", "kind": "oauth2", "grant": "client_credentials", "token_url": f"{shop.url}/token",
        "client_id": "vault", "scope": "", "username": "", "in_body": False,
    }  # fmt: skip
    in_environment(plan, {"client_secret:oauth": "very secret indeed"}, credentials=[login])
    echoing(plan, security=[[{"scheme": "oauth", "scopes": []}]])
    row = tried(plan, alice)
    assert row.state == "passed", (row.message, row.log)
    assert shop.seen == ["POST /token", "POST /echo"]
    assert "granted-4711-token" not in str(row.result) + row.log
    assert "secret indeed" not in str(row.result) + row.log
    assert ["Authorization", f"Bearer {MASK}"] in row.result[0]["request"]["headers"]
    assert f"Bearer {MASK}" in row.result[0]["response"]["body"]


def test_rows_of_a_data_file_are_filled_in(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    rows = zlib.compress(json.dumps([["김하나", "1"], ["이두리", "2"]]).encode())
    columns = {"columns": ["name", "n"], "row_count": 2, "sha256": "0" * 64, "packed": rows}
    DataFile.objects.create(project=plan.project, name="users", **columns)
    echoing(plan, body='{"name": "{{users.name}}"}')
    row = tried(plan, alice)
    assert row.result[0]["request"]["body"] == '{"name": "김하나"}'


def test_a_plan_that_is_wrong_is_refused_and_leaves_nothing(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    Plan.objects.update(title="")
    with pytest.raises(Refused):
        asked(plan, alice)
    assert Try.objects.count() == 0


def test_a_reader_may_not_try(alice: User, bob: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    Membership.objects.create(project=plan.project, user=bob, role=Membership.Role.READER)
    with pytest.raises(NotAllowed):
        asked(plan, bob)


def test_a_second_click_shows_the_same_try(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    assert asked(plan, alice).pk == asked(plan, alice).pk
    Step.objects.filter(position=1).update(body="{}")
    assert Try.objects.count() == 1
    assert asked(plan, alice).pk != Try.objects.earliest("pk").pk


def test_one_person_has_five_under_way_at_most(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    payload = planning.from_plan(full_plans().get(pk=plan.pk))
    for _number in range(5):
        trying.start(payload, alice)
    with pytest.raises(TooMany):
        trying.start(payload, alice)


def test_the_last_five_of_a_plan_are_kept(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    for _number in range(7):
        row = asked(plan, alice)
        Try.objects.filter(pk=row.pk).update(state="passed")
    assert Try.objects.filter(plan=plan).count() == 5
    assert Try.objects.latest("pk").pk == row.pk


def test_it_is_handed_to_a_worker(alice: User, shop: Shop, django_capture_on_commit_callbacks: Any) -> None:
    plan = make_journey(alice, shop.url)
    sent: list[int] = []
    with pytest.MonkeyPatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(tasks.try_plan, "delay", sent.append)
        row = asked(plan, alice)
    assert sent == [row.pk]


def test_where_nobody_can_be_told_it_says_so_at_once(
    alice: User, shop: Shop, django_capture_on_commit_callbacks: Any
) -> None:
    def away(_pk: int) -> None:
        raise OperationalError

    plan = make_journey(alice, shop.url)
    with pytest.MonkeyPatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(tasks.try_plan, "delay", away)
        row = asked(plan, alice)
    row.refresh_from_db()
    assert row.state == "failed"
    assert sentence(row).startswith("No worker took the try")


def test_tries_that_everybody_has_left_are_in_nobodys_way(alice: User, shop: Shop) -> None:
    payload = planning.from_plan(full_plans().get(pk=make_journey(alice, shop.url).pk))
    for _number in range(5):
        trying.start(payload, alice)
    Try.objects.update(created_at=timezone.now() - timedelta(seconds=91))
    assert trying.start(payload, alice).state == "waiting"


def test_one_that_no_worker_takes_says_so(alice: User, shop: Shop) -> None:
    row = asked(make_journey(alice, shop.url), alice)
    assert trying.look(row, row.created_at + timedelta(seconds=14)).state == "waiting"
    row = trying.look(row, row.created_at + timedelta(seconds=16))
    assert row.state == "failed"
    assert sentence(row).startswith("No worker took the try within 15 s.")
    assert trying.run(row.pk, timezone.now())  # a worker that comes late leaves it alone
    assert shop.seen == []


def test_one_whose_worker_is_gone_is_ended_and_cleared_away(alice: User, shop: Shop) -> None:
    row = asked(make_journey(alice, shop.url), alice)
    Try.objects.filter(pk=row.pk).update(state="running")
    open_runner().launch(LaunchSpec(trying.job_name(row), "try.js", "export default function () {}", ("run",), {}))
    trying.tidy(row.created_at + timedelta(seconds=80))
    assert open_runner().jobs()
    trying.tidy(row.created_at + timedelta(seconds=91))
    row.refresh_from_db()
    assert row.state == "failed"
    assert sentence(row).startswith("The try was lost")
    assert open_runner().jobs() == []


class FakeRunner:
    """Says what it is told to, and notes what it was asked to do."""

    def __init__(self, *phases: str, exit_code: int = 0, trouble: Reason | None = None) -> None:
        self.exit_code, self.trouble = exit_code, trouble
        self.phases, self.asked = list(phases), ["-"]
        self.spec: LaunchSpec | None = None

    def poll(self, job: str) -> Progress:
        phase = self.phases.pop(0) if len(self.phases) > 1 else self.phases[0]
        return Progress(phase, self.exit_code, 1, 1, 0, "", self.trouble)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        from loadtests.runners import Logs

        def done(*args: Any) -> Any:
            self.asked.append(name)
            self.spec = args[0] if name == "launch" else self.spec
            return Logs("", "k6 said this")

        return done


def test_a_pod_is_let_go_once_it_is_ready(alice: User, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRunner("waiting", "ready", "running", "finished")
    monkeypatch.setattr(trying, "open_runner", lambda: fake)
    row = asked(make_journey(alice, shop.url), alice)
    assert trying.run(row.pk, timezone.now())
    assert fake.asked == ["-", "launch", "begin", "logs", "cleanup"]
    row.refresh_from_db()
    assert (row.state, row.log, sentence(row)) == (
        "failed", "k6 said this", "Not every step was sent. k6's log below says why.",
    )  # fmt: skip
    assert {one["state"] for one in row.result} == {"not_sent"}


@pytest.mark.parametrize(
    ("exit_code", "said"),
    [
        (107, "k6 could not run the script. Its log below says where."),
        (137, "k6 ended with exit code 137 before every step was sent. Its log below says why."),
        (0, "Not every step was sent. k6's log below says why."),
    ],
)
def test_how_k6_ended_is_said_where_no_step_says_it(
    alice: User, shop: Shop, monkeypatch: pytest.MonkeyPatch, exit_code: int, said: str
) -> None:
    fake = FakeRunner("finished", exit_code=exit_code)
    monkeypatch.setattr(trying, "open_runner", lambda: fake)
    row = asked(make_journey(alice, shop.url), alice)
    trying.run(row.pk, timezone.now())
    row.refresh_from_db()
    assert sentence(row) == said


def test_what_keeps_a_pod_from_starting_is_said(alice: User, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRunner("waiting", trouble=reason("pod_image", pod="try-1", image="k6:none", event="ErrImagePull"))
    monkeypatch.setattr(trying, "open_runner", lambda: fake)
    row = asked(make_journey(alice, shop.url), alice)
    trying.run(row.pk, row.created_at + timedelta(seconds=61))
    row.refresh_from_db()
    assert sentence(row).startswith("The cluster cannot fetch the image k6:none.")


def test_a_machine_without_k6_says_so(alice: User, shop: Shop, settings: Settings) -> None:
    settings.METRICVAULT_K6_BINARY = "/nowhere/k6"
    row = tried(make_journey(alice, shop.url), alice)
    assert sentence(row).startswith("k6 could not be started: /nowhere/k6")
    assert {one["state"] for one in trying.steps(row)} == {"not_sent"}


def test_nobody_waits_for_think_time(alice: User, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRunner("finished")
    monkeypatch.setattr(trying, "open_runner", lambda: fake)
    row = asked(make_journey(alice, shop.url), alice)
    trying.run(row.pk, timezone.now())
    assert fake.spec
    assert '"think": 0.5' not in fake.spec.script


def test_it_is_given_up_after_a_minute(alice: User, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRunner("running")
    monkeypatch.setattr(trying, "open_runner", lambda: fake)
    row = asked(make_journey(alice, shop.url), alice)
    assert trying.run(row.pk, row.created_at + timedelta(seconds=61))
    row.refresh_from_db()
    assert sentence(row) == "The try did not end within 60 s and was given up."
    assert fake.asked[-1] == "cleanup"


def test_the_hash_is_of_the_requests_alone(alice: User, shop: Shop) -> None:
    plan = make_journey(alice, shop.url)
    before = asked(plan, alice).fingerprint
    plan.scenarios.get().stages.update(target=9)
    plan.scenarios.update(name="Another name")
    assert asked(plan, alice).fingerprint == before
    Step.objects.filter(position=1).update(body='{"n": 3}')
    assert asked(plan, alice).fingerprint != before
