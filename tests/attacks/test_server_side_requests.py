"""Attacks that would make this server ask inner addresses for somebody else: by address, notation, redirect, link and
DNS rebinding. Each with its guard, and without it, where the attack succeeds.

What the server itself asks at an address that a person names: documents to import with what their pages link to
(`projects.fetching.fetch`), and token servers (`post_form`). Nothing leaves this machine: 127.0.0.1 stands for the open
internet and 127.0.0.3 for the inside, or for where clouds keep their keys.
"""

import ipaddress
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpcore
import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client

from loadtests import tokens
from loadtests.granting import NotGranted, ask
from loadtests.k6.plan import TokenPlan
from loadtests.reaching import Verdict
from loadtests.tests.scripted import Api
from loadtests.tests.test_tokens import run_of
from loadtests.tests.token_server import TokenServer
from projects import addresses, fetching
from projects.discovery import Discovery
from projects.fetching import AddressRefused, fetch
from projects.models import OpenApiSpec, Project
from projects.openapi import DocumentError

INSIDE = "127.0.0.3"
DOCUMENT = {"openapi": "3.0.0", "info": {"title": "Inner", "version": "1"}, "paths": {}}
GUARDED = pytest.mark.parametrize("guarded", [True, False])


@pytest.fixture
def outside() -> Iterator[Api]:
    with_answers = Api()
    yield with_answers
    with_answers.shutdown()
    with_answers.server_close()


@pytest.fixture
def inside(outside: Api) -> Iterator[Api]:
    """On the same port, so that a name alone decides."""
    server = Api(INSIDE, outside.server_address[1])
    server.answers["/openapi.json"] = DOCUMENT
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    """127.0.0.1 is public and nothing else is; without the guard everything is."""
    monkeypatch.setattr(fetching, "is_public", lambda address: not guarded or address == "127.0.0.1")


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    """Clouds keep their keys on the inside; without the guard nobody knows."""
    monkeypatch.setattr(addresses, "_METADATA", (ipaddress.ip_network(f"{INSIDE}/32"),))
    if not guarded:
        monkeypatch.setattr(fetching, "is_never_read", lambda address: False)


def tried(url: str, allow_private: bool = False, **more: Any) -> bool:
    """Whether the document of the inside came out."""
    try:
        return bool(json.loads(fetch(url, allow_private=allow_private, **more).data) == DOCUMENT)
    except AddressRefused:
        return False


def leading(**names: list[str]) -> Any:
    return lambda host, _port: names[host.partition(".")[0]]


@GUARDED
@pytest.mark.parametrize("host", [INSIDE, "2130706435", "0x7f000003", "0x7f.0.0.3", "127.3", f"a@{INSIDE}"])
def test_an_inner_address_in_whatever_notation(rules: None, inside: Api, host: str, guarded: bool) -> None:
    assert tried(f"http://{host}:{inside.server_address[1]}/openapi.json") is not guarded
    assert bool(inside.received) is not guarded


@GUARDED
@pytest.mark.parametrize("found", [[INSIDE], [INSIDE, "127.0.0.1"]])
def test_a_name_that_leads_inside(rules: None, inside: Api, found: list[str], guarded: bool) -> None:
    url = f"http://nice.example:{inside.server_address[1]}/openapi.json"
    assert tried(url, resolve=leading(nice=found)) is not guarded
    assert bool(inside.received) is not guarded


@GUARDED
def test_a_redirect_inside(rules: None, outside: Api, inside: Api, guarded: bool) -> None:
    assert tried(f"{outside.url}/status/302?to={inside.url}/openapi.json") is not guarded
    assert bool(inside.received) is not guarded


@GUARDED
def test_a_redirect_by_way_of_an_open_redirect(rules: None, outside: Api, inside: Api, guarded: bool) -> None:
    way = quote(f"{inside.url}/openapi.json", safe="")
    assert tried(f"{outside.url}/status/307?to=/status/302?to={inside.url}/openapi.json#{way}") is not guarded
    assert bool(inside.received) is not guarded


@GUARDED
def test_a_name_that_leads_inside_at_the_second_look(
    rules: None, outside: Api, inside: Api, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """DNS rebinding. The guard: the connection goes to the address that was checked. Without: the name is looked up
    once more to connect, as a client does that is handed a checked name."""
    answers = iter([["127.0.0.1"], [INSIDE]])
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    if not guarded:
        monkeypatch.setattr(fetching, "is_public", lambda address: address == "127.0.0.1")
        plain = httpcore.SyncBackend.connect_tcp

        def connect(self: Any, host: str, port: int, *more: Any) -> Any:
            return plain(self, resolve(host, port)[0], port, *more)

        monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    url = f"http://rebound.example:{inside.server_address[1]}/openapi.json"
    assert tried(url, resolve=resolve) is not guarded
    assert len(asked) == (1 if guarded else 2)
    assert (len(inside.received), len(outside.received)) == ((0, 1) if guarded else (1, 0))


@GUARDED
def test_a_page_that_links_inside(rules: None, outside: Api, inside: Api, guarded: bool) -> None:
    outside.answers["/docs"] = (
        f'<!doctype html><html><script>SwaggerUIBundle({{url: "{inside.url}/openapi.json"}})</script>'
    )

    def read(found: fetching.Fetched) -> Any:
        try:
            return json.loads(found.data)
        except ValueError:
            raise DocumentError("no document") from None

    looking = Discovery(allow_private=False)
    if guarded:
        with pytest.raises(DocumentError):
            looking.find(f"{outside.url}/docs", read)
    else:
        assert looking.find(f"{outside.url}/docs", read)[1] == DOCUMENT
    assert bool(inside.received) is not guarded


@GUARDED
@pytest.mark.parametrize("way", ["address", "redirect", "name", "mapped"])
def test_the_keys_of_clouds_even_where_inner_networks_may_be_read(
    clouds: None, outside: Api, inside: Api, way: str, guarded: bool
) -> None:
    port = inside.server_address[1]
    url = {
        "address": f"{inside.url}/openapi.json",
        "redirect": f"{outside.url}/status/302?to={inside.url}/openapi.json",
        "name": f"http://nice.example:{port}/openapi.json",
        "mapped": f"http://[::ffff:{INSIDE}]:{port}/openapi.json",
    }[way]
    names = {"resolve": leading(nice=["127.0.0.1", INSIDE][:: 1 if guarded else -1])} if way == "name" else {}
    assert tried(url, allow_private=True, **names) is not guarded
    assert bool(inside.received) is not guarded


@GUARDED
def test_an_import_by_the_api(
    rules: None, alice: User, client: Client, inside: Api, settings: Any, guarded: bool
) -> None:
    """The whole way, from the person's request."""
    settings.METRICVAULT_IMPORT_PRIVATE = False
    project = Project.objects.create(title="Shop", owner=alice)
    client.force_login(alice)
    asked = {"project_id": project.pk, "openapi_url": f"{inside.url}/openapi.json"}
    answer = client.post("/openapi/analyze", asked, "application/json")
    assert answer.status_code == (422 if guarded else 201), answer.content
    assert OpenApiSpec.objects.exists() is not guarded
    assert bool(inside.received) is not guarded


def credential(url: str) -> TokenPlan:
    return TokenPlan("t1", "client_credentials", url, "load", "secret")


@GUARDED
def test_a_token_address_where_clouds_keep_their_keys(clouds: None, inside: Api, guarded: bool) -> None:
    inside.answers["/token"] = {"access_token": "key-of-the-machine"}
    if guarded:
        with pytest.raises(NotGranted, match="never read"):
            ask(credential(f"{inside.url}/token"), {})
    else:
        assert ask(credential(f"{inside.url}/token"), {}).access_token == "key-of-the-machine"
    assert bool(inside.received) is not guarded


@GUARDED
def test_a_token_server_that_redirects_inside(
    outside: Api, inside: Api, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    inside.answers["/token"] = {"access_token": "of-the-inside"}
    url = f"{outside.url}/status/307?to={inside.url}/token"
    if guarded:
        with pytest.raises(NotGranted, match="status 307"):
            ask(credential(url), {})
    else:
        plain = httpx.Client
        monkeypatch.setattr(fetching.httpx, "Client", lambda **more: plain(**more, follow_redirects=True))
        assert ask(credential(url), {}).access_token == "of-the-inside"
    assert bool(inside.received) is not guarded


@GUARDED
def test_a_token_server_whose_name_leads_elsewhere_after_it_was_judged(
    db: None, outside: Api, inside: Api, settings: Any, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A network allows the name by its address; by the time of the request the name leads inside."""
    settings.METRICVAULT_ALLOWED_TARGETS = ["127.0.0.1/32"]
    for server in (outside, inside):
        server.answers["/token"] = {"access_token": "a-token", "expires_in": 60}
    run = run_of(TokenServer(url=f"http://login.internal:{outside.server_address[1]}/token"))
    monkeypatch.setattr("loadtests.resolving.look_up", lambda host, port: ["127.0.0.1"])
    monkeypatch.setattr(fetching, "look_up", lambda host, port: [INSIDE])
    if not guarded:
        monkeypatch.setattr(tokens, "judge", lambda address, project: Verdict())
    assert tokens.take(run.pk, "t1", f"Bearer {run.ingest_token}")[0] == 200
    assert (len(outside.received), len(inside.received)) == ((1, 0) if guarded else (0, 1))
