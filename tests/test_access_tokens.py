"""Two web processes, one Redis, many who ask at once: the token server hears of it once."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from django.db import connection

from loadtests.tests.test_tokens import run_of
from loadtests.tests.token_server import token_server
from metricvault.supervise.programs import web_command
from tests.servers import Server, free_port, redis, running

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.django_db(transaction=True), pytest.mark.thorough]
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def web_process(folder: Path, database_url: str, redis_url: str) -> Iterator[str]:
    """A web process on that database; "": on the SQLite file in `folder`."""
    port = free_port()
    own = {
        "METRICVAULT_DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PYTHONPATH": str(ROOT),
        "METRICVAULT_ALLOWED_TARGETS": "127.0.0.1",
        "METRICVAULT_INGEST_URL": "http://metricvault.load.svc",
    }
    given = ["env", *(f"{name}={value}" for name, value in own.items())]
    command = [*given, *web_command(sys.executable, "127.0.0.1", port)]
    with running(Server(f"http://127.0.0.1:{port}", command, port, folder / f"web-{port}.log")) as url:
        yield url


def database_for_others(folder: Path) -> str:
    """The address of this test's database; "" where it is SQLite, of which a copy is put into `folder`."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(folder / "metricvault.sqlite3")])
        return ""
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"


def test_fifty_who_ask_two_processes_at_once_lead_to_one_request(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(token_server())
        server.delay = 0.3
        run = run_of(server)
        database_url = database_for_others(tmp_path)
        redis_url = stack.enter_context(redis(tmp_path / "redis"))
        webs = [stack.enter_context(web_process(tmp_path, database_url, redis_url)) for _number in range(2)]
        client = stack.enter_context(httpx.Client(limits=httpx.Limits(max_connections=50), timeout=30))
        headers = {"Authorization": f"Bearer {run.ingest_token}"}

        def ask(number: int) -> httpx.Response:
            return client.get(f"{webs[number % 2]}/ingest/{run.pk}/token/t1", headers=headers)

        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(ask, range(50)))
        assert {(answer.status_code, answer.json().get("access_token", answer.text)) for answer in answers} == {
            (200, "token-1")
        }
        assert len(server.asked) == 1
        assert client.get(f"{webs[0]}/ingest/{run.pk}/token/t9", headers=headers).status_code == 404
        assert client.get(f"{webs[0]}/ingest/{run.pk}/token/t1").status_code == 401
        pod = {**headers, "Host": "metricvault.load.svc"}  # k6's name for it, which no browser may use
        assert client.get(f"{webs[1]}/ingest/{run.pk}/token/t1", headers=pod).json()["access_token"] == "token-1"
