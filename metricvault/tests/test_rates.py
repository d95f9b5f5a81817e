"""Who does something too often waits, and hears for how long. Redis counts for all; without it each process does."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django.fixtures import Settings

from history.ingest import take
from history.states import Status
from history.tests.recorded_history import recorded_rows
from metricvault.api import api
from metricvault.env import env_rate
from metricvault.lib import rates
from metricvault.lib.rates import Counter, counter, read_rate
from projects.api_tokens import make_token
from projects.models import ApiToken
from tests.recorded import of_run, recorded_run
from tests.servers import redis_server, running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_was_here() -> Iterator[None]:
    counter.cache_clear()
    rates._trusted.clear()
    yield
    counter.cache_clear()


def limit(settings: Settings, **texts: str) -> None:
    settings.METRICVAULT_RATES = dict.fromkeys(settings.METRICVAULT_RATES) | {
        what: read_rate(text) for what, text in texts.items()
    }


def test_the_api_takes_so_many_requests_of_a_person(alice: User, bob: User, settings: Settings) -> None:
    limit(settings, api="2/day")
    client, other = Client(), Client()
    client.force_login(alice)
    other.force_login(bob)
    assert [client.get("/project").status_code for _turn in range(3)] == [200, 200, 429]
    answer = client.get("/project")
    assert answer.json()["error"]["code"] == "too_many"
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400
    assert other.get("/project").status_code == 200


def test_each_token_has_its_own_and_pages_are_not_counted(alice: User, settings: Settings) -> None:
    limit(settings, api="1/day")
    texts = [make_token(alice, name, ApiToken.Scope.READ)[1] for name in ("ci", "cron")]
    clients = [Client(headers={"Authorization": f"Bearer {text}"}) for text in texts]
    assert [client.get("/project").status_code for client in clients * 2] == [200, 200, 429, 429]
    page = Client()
    page.force_login(alice)
    assert [page.get("/projects/").status_code for _turn in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ("start", "/load-testing"),
        ("try", "/load-testing/try"),
        ("import", "/openapi/analyze"),
        ("start", "/tests/4711/run"),
        ("try", "/tests/4711/try"),
        ("import", "/projects/4711/import"),
        ("export", "/test-history/4711/export.csv"),
        ("export", "/runs/4711/report.html"),
    ],
)
def test_what_costs_much_has_a_rate_of_its_own(alice: User, settings: Settings, what: str, place: str) -> None:
    limit(settings, **{what: "1/day"})
    client = Client()
    client.force_login(alice)
    ask = client.get if what == "export" else client.post
    more = {} if what == "export" else {"content_type": "application/json"}
    first, second = ask(place, **more), ask(place, **more)
    assert first.status_code not in (429, 500)
    assert second.status_code == 429


def test_a_page_says_it_as_a_page_and_htmx_as_a_toast(alice: User, settings: Settings) -> None:
    limit(settings, start="1/day")
    client = Client(headers={"Accept": "text/html"})
    client.force_login(alice)
    client.post("/tests/4711/run")
    page, toast = client.post("/tests/4711/run"), client.post("/tests/4711/run", headers={"HX-Request": "true"})
    assert page.status_code == toast.status_code == 429
    assert 'data-error="429"' in page.content.decode()
    assert "data-toast" in toast.content.decode()
    assert page.headers["Retry-After"]


def test_logins_are_counted_by_address(alice: User, settings: Settings) -> None:
    limit(settings, login="2/day")
    attempt = {"username": "nobody", "password": "guess"}
    found = [Client().post("/accounts/login/", attempt).status_code for _turn in range(3)]
    assert found[2] == 429
    elsewhere = Client().post("/accounts/login/", attempt, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code != 429


@pytest.mark.parametrize("guarded", [True, False])
def test_guessing_tokens_of_the_api(alice: User, settings: Settings, guarded: bool) -> None:
    """The attacker's last guess is right. What was right before goes on to be, from the same address, too."""
    limit(settings, **({"refused": "3/day"} if guarded else {}))
    texts = [make_token(alice, name, ApiToken.Scope.READ)[1] for name in ("ci", "guessed")]

    def ask(text: str) -> int:
        return Client(headers={"Authorization": f"Bearer {text}"}).get("/project").status_code

    assert ask(texts[0]) == 200
    assert [ask(f"mv_{number}") for number in range(3)] == [401, 401, 401]
    assert ask(texts[1]) == (429 if guarded else 200)
    assert ask(texts[0]) == 200


@pytest.mark.parametrize("guarded", [True, False])
def test_guessing_the_token_of_a_run(alice: User, settings: Settings, guarded: bool) -> None:
    limit(settings, **({"refused": "3/day"} if guarded else {}))
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    body = of_run(recorded_run().pushes[0], run.pk)
    assert [take(run.pk, f"Bearer {number}", body, "192.0.2.7")[0] for number in range(3)] == [401, 401, 401]
    assert take(run.pk, f"Bearer {run.ingest_token}", body, "192.0.2.7")[0] == (429 if guarded else 204)
    assert take(run.pk, f"Bearer {run.ingest_token}", body, "192.0.2.8")[0] == 204


def test_a_run_pushes_so_often(alice: User, settings: Settings) -> None:
    limit(settings, push="3/day")
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    found = [take(run.pk, run.ingest_token, of_run(body, run.pk))[0] for body in recorded_run().pushes[:4]]
    assert found == [204, 204, 204, 429]


def test_a_copy_without_login_is_generous(settings: Settings) -> None:
    limit(settings, api="1/day")
    settings.METRICVAULT_OPEN_ACCESS = True
    assert [Client().get("/project").status_code for _turn in range(11)] == [200] * 10 + [429]


def test_the_document_of_the_api_tells_of_it() -> None:
    document = api.get_openapi_schema()
    assert all({"415", "429"} <= set(one["responses"]) for path in document["paths"].values() for one in path.values())


def test_a_rate_that_nobody_can_read_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICVAULT_RATE_API", "often")
    with pytest.raises(ImproperlyConfigured, match="METRICVAULT_RATE_API=often"):
        env_rate("METRICVAULT_RATE_API", "1/minute")
    monkeypatch.setenv("METRICVAULT_RATE_API", "off")
    assert env_rate("METRICVAULT_RATE_API", "1/minute") is None


@pytest.mark.needs("redis-server")
def test_redis_counts_for_all_and_nobody_waits_where_it_is_away(tmp_path: Path) -> None:
    rate = read_rate("2/minute")
    assert rate
    server = redis_server(tmp_path)
    with running(server):
        one, other = Counter(server.url), Counter(server.url)
        assert [one.hit(rate, "alice"), other.hit(rate, "alice")] == [0, 0]
        assert one.hit(rate, "alice") > 0
        assert other.wait(rate, "alice") > 0
    assert [one.hit(rate, "alice") for _turn in range(2)] == [0, 0]  # counted from new, by this process
    assert one.hit(rate, "alice") > 0
    assert one._again_at > time.monotonic()  # until then Redis is not even asked
