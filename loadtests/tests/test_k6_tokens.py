"""Access tokens: of the product's broker, or, in a script run by hand, of each user's own asking. With the real k6."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from loadtests.k6.plan import LoadPlan, RunPlan, Secret, StagePlan, Token, TokenPlan
from loadtests.tests.conftest import run_plan, scenario
from loadtests.tests.scripted import Api, Ran, Received, run

SECRETS = {"MV_1": "p&ss:w%rd"}


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    server.answers["/token"] = Granting()
    yield server
    server.shutdown()
    server.server_close()


class Granting:
    """Tokens tok-1, tok-2, ... that last `seconds`."""

    def __init__(self, seconds: float | None = None) -> None:
        self.count, self.seconds = 0, seconds

    def __call__(self, _received: Received) -> dict[str, Any]:
        self.count += 1
        return {"access_token": f"tok-{self.count}", "token_type": "Bearer", "expires_in": self.seconds}


def plan_with(api: Api, users: int = 1, iterations: int = 3, think: float = 0.0, **token: Any) -> RunPlan:
    given: dict[str, Any] = {
        "key": "t1", "grant": "client_credentials", "url": f"{api.url}/token",
        "client_id": "shop:1", "client_secret": (Secret("MV_1"),), **token,
    }  # fmt: skip
    one = scenario(
        url=f"{api.url}/things", headers=(("Authorization", ("Bearer ", Token("t1", "header"))), ("X-Other", "1")),
        executor="per-vu-iterations", stages=(StagePlan(20, users),), load=LoadPlan(iterations=iterations),
        think_time=think,
    )  # fmt: skip
    return replace(run_plan(one), tokens=(TokenPlan(**given),))


def bearers(api: Api) -> list[str | None]:
    return [one.headers.get("Authorization") for one in api.of("/things")]


def test_a_user_asks_once_by_client_credentials(k6: str, tmp_path: Path, api: Api) -> None:
    ran = run(k6, tmp_path, plan_with(api, users=2, scope="read write"), environment=SECRETS)
    asked = api.of("/token")
    assert [parse_qs(one.body) for one in asked] == [
        {"grant_type": ["client_credentials"], "scope": ["read write"]}
    ] * 2
    name, _colon, password = base64.b64decode(asked[0].headers["Authorization"].removeprefix("Basic ")).partition(b":")
    assert (name, password) == (b"shop%3A1", b"p%26ss%3Aw%25rd")  # RFC 6749, 2.3.1
    assert sorted(map(str, bearers(api))) == ["Bearer tok-1"] * 3 + ["Bearer tok-2"] * 3
    assert ran.log == ""


def test_by_password_the_client_may_say_who_it_is_in_the_body(k6: str, tmp_path: Path, api: Api) -> None:
    plan = plan_with(api, grant="password", username="kim", password=(Secret("MV_1"),), client_secret="", in_body=True)
    run(k6, tmp_path, plan, environment=SECRETS)
    (asked,) = api.of("/token")
    assert "Authorization" not in asked.headers
    assert parse_qs(asked.body) == {
        "grant_type": ["password"], "username": ["kim"], "password": [SECRETS["MV_1"]], "client_id": ["shop:1"],
    }  # fmt: skip


def test_the_product_is_asked_where_it_gives_tokens(k6: str, tmp_path: Path, api: Api) -> None:
    api.answers["/broker/t1"] = Granting(300)
    environment = {"MV_TOKEN_URL": f"{api.url}/broker", "MV_TOKEN_BEARER": "ingest", **SECRETS}
    run(k6, tmp_path, plan_with(api), environment=environment)
    (asked,) = api.of("/broker")
    assert asked.headers["Authorization"] == "Bearer ingest"
    assert api.of("/token") == []
    assert bearers(api) == ["Bearer tok-1"] * 3


def test_a_token_is_renewed_before_it_expires(k6: str, tmp_path: Path, api: Api) -> None:
    api.answers["/token"] = Granting(0.8)
    run(k6, tmp_path, plan_with(api, iterations=4, think=0.25), environment=SECRETS)
    assert bearers(api) == ["Bearer tok-1"] * 3 + ["Bearer tok-2"]


def test_fetching_a_token_is_no_load(k6: str, tmp_path: Path, api: Api) -> None:
    ran = run(k6, tmp_path, plan_with(api), environment=SECRETS)
    assert ran.tags("http_reqs", "load") == {"1": 3, "0": 1}
    (fetched,) = [one["tags"] for one in ran.points["http_reqs"] if one["tags"]["load"] == "0"]
    assert (fetched["scenario_tag"], fetched["name"]) == ("", "")
    assert ran.metrics["http_reqs{load:1}"]["values"]["count"] == 3
    assert ran.metrics["http_reqs{scenario_tag:s01_browse}"]["values"]["count"] == 3


@pytest.mark.parametrize(
    "answer", [{"error": "invalid_client"}, "no json", {"access_token": ""}, {"access_token": 3}, "[]"]
)
def test_without_a_token_requests_go_without_and_the_log_says_so_once(
    k6: str, tmp_path: Path, api: Api, answer: Any
) -> None:
    api.answers["/token"] = answer
    ran = run(k6, tmp_path, plan_with(api), environment=SECRETS)
    assert bearers(api) == [None] * 3
    assert [one.headers["X-Other"] for one in api.of("/things")] == ["1"] * 3
    assert ran.log.count("There is no access token (t1)") == 1
    assert SECRETS["MV_1"] not in ran.log
    assert len(api.of("/token")) == 1


def test_a_try_shows_no_token_and_no_secret(k6: str, tmp_path: Path, api: Api) -> None:
    api.answers["/token"] = {"access_token": "tok-geheim"}
    api.answers["/things"] = lambda received: {"you sent": received.headers["Authorization"], "x": SECRETS["MV_1"]}
    ran: Ran = run(k6, tmp_path, plan_with(api), environment=SECRETS, trying=True)
    assert bearers(api) == ["Bearer tok-geheim"]
    (step,) = ran.steps
    assert step["request"]["headers"]["Authorization"] == ["Bearer ••••••"]
    assert step["response"]["body"] == '{"you sent": "Bearer ••••••", "x": "••••••"}'
