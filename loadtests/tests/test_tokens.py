"""Access tokens of a run: one request to the token server for everybody, renewed before it expires."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from history.models import TestHistory
from history.states import Status
from loadtests import tokens
from loadtests.k6.plan import OptionsPlan, RunPlan, Secret, SecretPlan, TokenPlan, to_json
from loadtests.tests.token_server import TokenServer, token_server
from projects.environment_keeping import EnvironmentPatch, keep
from projects.models import Environment, Project
from tests.servers import free_port, redis

SECRET = "s3cret-of-the-client"


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as started:
        yield started


@pytest.fixture
def run(db: None, server: TokenServer) -> TestHistory:
    return run_of(server)


def run_of(server: TokenServer) -> TestHistory:
    project = Project.objects.create(title="Shop")
    login = {"scheme": "oauth", "kind": "oauth2", "token_url": server.url, "client_id": "load", "client_secret": SECRET}
    asked = EnvironmentPatch.model_validate({"name": "staging", "credentials": [login]})
    environment = keep(Environment(project=project), asked)
    token = TokenPlan("t1", "client_credentials", server.url, "load", (Secret("MV_1"),))
    plan = RunPlan(
        "1",
        "Journey",
        (),
        tokens=(token,),
        secrets=(SecretPlan("MV_1", "client_secret:oauth"),),
        environment=environment.pk,
        options=OptionsPlan(verify_tls=False),
    )
    return TestHistory.objects.create(
        project=project, title="Journey", job_name="k6-1", status=Status.RUNNING, plan_snapshot=to_json(plan)
    )


def asked(run: TestHistory, key: str = "t1") -> tokens.Answer:
    return tokens.take(run.pk, key, f"Bearer {run.ingest_token}")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still, and the seconds that it is put forward."""
    ahead, begun = [0.0], time.time()
    monkeypatch.setattr(time, "time", lambda: begun + ahead[0])
    return ahead


def test_k6_gets_a_token_at_its_address(run: TestHistory, server: TokenServer, clock: list[float]) -> None:
    answer = Client().get(f"/ingest/{run.pk}/token/t1", headers={"Authorization": f"Bearer {run.ingest_token}"})
    assert answer.status_code == 200
    assert answer.json() == {"access_token": "token-1", "expires_in": 3570}
    assert answer.headers["Cache-Control"] == "no-store"
    assert server.client() == ("load", SECRET)


def test_only_who_has_the_runs_token_gets_one_and_only_while_it_lasts(run: TestHistory, server: TokenServer) -> None:
    assert tokens.take(run.pk, "t1", "")[0] == 401
    assert tokens.take(run.pk, "t1", "Bearer wrong-ä")[0] == 401
    assert tokens.take(run.pk + 1, "t1", f"Bearer {run.ingest_token}")[0] == 401
    assert asked(run, "t2")[0] == 404
    run.status = Status.COMPLETED
    run.save()
    assert asked(run)[0] == 409
    assert server.asked == []


def test_a_token_is_fetched_once_and_lies_sealed_in_the_cache(
    run: TestHistory, server: TokenServer, clock: list[float]
) -> None:
    assert asked(run) == asked(run)
    assert len(server.asked) == 1
    asking = tokens.admit(run.pk, "t1", run.ingest_token)
    assert isinstance(asking, tokens.Asking)
    assert "token-1" not in cache.get(asking.name)
    assert run.ingest_token not in asking.name


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(3600, 3570), (100, 80), (10, 8)])
def test_it_is_renewed_at_four_fifths_or_half_a_minute_before_its_end(
    run: TestHistory, server: TokenServer, clock: list[float], lifetime: float, renewed_after: float
) -> None:
    server.lifetime = lifetime
    assert asked(run)[1]["expires_in"] == renewed_after
    clock[0] = renewed_after - 2
    assert asked(run)[1]["access_token"] == "token-1"
    clock[0] = renewed_after + 0.1
    assert asked(run)[1]["access_token"] == "token-2"


def test_while_it_is_renewed_the_others_use_the_old_one(
    run: TestHistory, server: TokenServer, clock: list[float]
) -> None:
    server.lifetime = 100
    asked(run)
    clock[0] = 85
    asking = tokens.admit(run.pk, "t1", run.ingest_token)
    assert isinstance(asking, tokens.Asking)
    cache.add(f"{asking.name}:lock", "somebody else", 10)
    assert asked(run) == (200, {"access_token": "token-1", "expires_in": 1.0})
    assert len(server.asked) == 1


def test_a_renewal_that_fails_leaves_the_old_token_until_its_end(
    run: TestHistory, server: TokenServer, clock: list[float]
) -> None:
    server.lifetime = 100
    asked(run)
    server.status, clock[0] = 503, 85
    assert asked(run) == (200, {"access_token": "token-1", "expires_in": 1.0})
    assert len(server.asked) == 2
    clock[0] = 101
    assert asked(run)[0] == 502


def test_a_refusal_is_told_without_a_secret_and_remembered_for_a_while(
    run: TestHistory, server: TokenServer, clock: list[float]
) -> None:
    server.status, server.answer = 401, {"error": "invalid_client", "error_description": SECRET}
    for _time in range(3):
        assert asked(run) == (
            502,
            {"error": "The token server gave no token: it answered with status 401 (invalid_client)."},
        )
    assert len(server.asked) == 1
    server.status, server.answer, clock[0] = 200, None, tokens.QUIET + 1
    assert asked(run)[0] == 200


def test_an_environment_that_is_gone_is_said_to_be(run: TestHistory, server: TokenServer) -> None:
    Environment.objects.all().delete()
    status, answer = asked(run)
    assert (status, server.asked) == (502, [])
    assert "is deleted" in answer["error"]


def test_a_token_server_that_may_not_be_reached_any_more_is_not_asked(
    run: TestHistory, server: TokenServer, settings: Settings
) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = ["shop.example.com"]
    status, answer = asked(run)
    assert (status, server.asked) == (502, [])
    assert "127.0.0.1" in answer["error"]


def test_another_run_has_a_token_of_its_own(run: TestHistory, server: TokenServer) -> None:
    other = TestHistory.objects.get(pk=run.pk)
    other.pk, other.job_name, other.ingest_token = None, "k6-2", "another"
    other.save()
    assert asked(run)[1]["access_token"] == "token-1"
    assert asked(other)[1]["access_token"] == "token-2"


def in_threads(number: int, run: TestHistory) -> list[tokens.Answer]:
    begin = threading.Barrier(number)
    asking = tokens.admit(run.pk, "t1", run.ingest_token)
    assert isinstance(asking, tokens.Asking)

    def one() -> Any:
        begin.wait()
        while (kept := tokens.look(asking)) is None:
            time.sleep(tokens.STEP)
        return kept.answer(time.time())

    with ThreadPoolExecutor(number) as pool:
        return [one.result() for one in [pool.submit(one) for _time in range(number)]]


@pytest.fixture
def answered(run: TestHistory, server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> TestHistory:
    """`run`, whose plan and secrets are read in no thread: the test's transaction is not theirs."""
    plan = tokens.from_json(run.plan_snapshot)
    grant = replace(plan.tokens[0])

    def fetched(asking: tokens.Asking, before: tokens.Kept) -> tokens.Kept:
        found = tokens.ask(grant, {"MV_1": SECRET})
        return tokens.Kept(found.access_token, time.time() + 60, time.time() + 90)

    monkeypatch.setattr(tokens, "_fetched", fetched)
    return run


def test_twenty_who_ask_at_once_lead_to_one_request(answered: TestHistory, server: TokenServer) -> None:
    server.delay = 0.1
    answers = in_threads(20, answered)
    assert {answer["access_token"] for _status, answer in answers} == {"token-1"}
    assert len(server.asked) == 1


@pytest.mark.needs("redis-server")
def test_redis_may_go_at_any_time(
    answered: TestHistory, server: TokenServer, settings: Settings, tmp_path: Path
) -> None:
    redis_cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
    with redis(tmp_path) as url:
        settings.CACHES = {"default": {**redis_cache, "LOCATION": url}}
        assert in_threads(5, answered)[0][1]["access_token"] == "token-1"
    assert in_threads(5, answered)[0][1]["access_token"] == "token-1"  # of what this process has seen
    settings.CACHES = {"default": {**redis_cache, "LOCATION": f"redis://127.0.0.1:{free_port()}"}}
    answered.ingest_token = "one nobody else has"
    answered.save()
    assert in_threads(5, answered)[0][1]["access_token"] == "token-2"
    assert len(server.asked) == 2
