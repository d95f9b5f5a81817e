"""The tables as rows: what is sent, and what whoever sends it is told."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from django.core.files.base import ContentFile
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from tests.access import operation_table, page_bodies, page_table
from tests.access.page_bodies import File
from tests.access.world import Persona, World

SAFE = ("GET", "HEAD")
RANKS = {"unknown": -1, "stranger": 0, "reader": 1, "member": 2, "owner": 3, "administrator": 4}
NEEDED = {
    "signed in": 0, "left out": 0, "whole": 0, "read": 1, "change": 2, "trash": 2, "run": 2, "run in a project": 2,
    "own": 3, "own another": 3, "staff": 4, "administrators": 4,
}  # fmt: skip


class Answer(StrEnum):
    OK = "ok"  # 200 to 399, no login
    LOGIN = "login"  # 302, or 401 of the API
    FORBIDDEN = "403"
    MISSING = "404"
    NOT_A_RUN = "401 or 403"
    REFUSED = "422"
    OTHER = "other"


@dataclass(frozen=True)
class Row:
    """One request. `name`: of a page's address, or "POST /plan" of an operation."""

    kind: str
    method: str
    name: str
    arguments: Mapping[str, str]
    query: str
    is_api: bool

    def __str__(self) -> str:
        return f"{self.method} {self.place}{self.query}"

    @property
    def place(self) -> str:
        """The address, whatever its method and arguments."""
        return self.name.rpartition(" ")[2]

    def address(self, world: World, **other: Any) -> str:
        """Where it goes; `other` in place of what the table says."""
        given = {name: world.keys.get(text, text) for name, text in self.arguments.items()} | other
        place = self.name.partition(" ")[2].format(**given) if self.is_api else reverse(self.name, kwargs=given)
        return place + world.fill(self.query)

    @property
    def writes(self) -> bool:
        """Whether it changes something where it is permitted."""
        table = operation_table if self.is_api else page_table
        return self.method not in SAFE and self.name not in table.WRITES_NOTHING

    def body(self, world: World) -> dict[str, Any]:
        """What is sent, with its files."""
        if self.method in SAFE:
            return {}
        table = operation_table.BODIES if self.is_api else page_bodies.BODIES
        return with_files(world.fill(table.get(self.name, {})))

    def expected(self, persona: Persona) -> Answer:
        """What the table says of them."""
        alike = {"by token": Answer.NOT_A_RUN, "not set up": Answer.MISSING}
        if self.kind in alike:
            return alike[self.kind]
        if self.kind == "login":
            return Answer.REFUSED if persona.role == "unknown" or persona.secret else Answer.OK
        if self.kind == "public":
            return Answer.LOGIN if persona.is_refused and self.is_api else Answer.OK
        if persona.role == "unknown" or (persona.scope is not None and not self.is_api):
            return Answer.FORBIDDEN if self.kind == "staff" else Answer.LOGIN
        if self.method not in SAFE and not _in_scope(self.kind, persona):
            return Answer.FORBIDDEN
        if self.kind == "password":
            may = persona.name != "open access"
            return Answer.FORBIDDEN if not may else Answer.OK if self.method in SAFE else Answer.REFUSED
        if self.kind == "administrators" and persona.scope not in (None, "admin"):
            return Answer.FORBIDDEN
        if self.kind == "personal":
            return Answer.OK if persona.name == "member" else Answer.MISSING
        rank = 0 if self.kind == "own another" and persona.limited else RANKS[persona.role]
        if self.kind == "author":
            return Answer.MISSING if rank == 0 else Answer.OK if rank in (2, 4) else Answer.FORBIDDEN
        if rank >= NEEDED[self.kind]:
            return Answer.OK
        if rank == 0 and self.kind == "run in a project":
            return Answer.REFUSED
        hidden = rank == 0 and self.kind not in ("staff", "administrators")
        return Answer.MISSING if hidden or self.kind == "trash" else Answer.FORBIDDEN


def with_files(body: dict[str, Any]) -> dict[str, Any]:
    """Uploads as Django's client takes them."""
    return {key: ContentFile(one.text, one.name) if isinstance(one, File) else one for key, one in body.items()}


def _in_scope(kind: str, persona: Persona) -> bool:
    if kind == "whole" and persona.limited:
        return False
    return persona.scope in (None, "admin") or (persona.scope == "run" and kind.startswith("run"))


@cache
def pages() -> tuple[Row, ...]:
    """All of `page_table`."""
    return tuple(_rows(page_table.PAGES, is_api=False))


@cache
def operations() -> tuple[Row, ...]:
    """All of `operation_table`."""
    return tuple(_rows(operation_table.OPERATIONS, is_api=True))


def _rows(table: Mapping[str, str], *, is_api: bool) -> Iterator[Row]:
    for kind, text in table.items():
        for line in filter(None, map(str.strip, text.splitlines())):
            methods, name, *rest = line.split(" ")
            arguments = dict(word.split("=", 1) for word in rest if not word.startswith("?"))
            query = next((word for word in rest if word.startswith("?")), "")
            if is_api:
                found = re.findall(r"{(\w+)}", name)
                arguments = {one: operation_table.USUAL.get(one, one) for one in found} | arguments
            for method in methods.split(","):
                yield Row(kind, method, f"{method} {name}" if is_api else name, arguments, query, is_api)


def send(client: Client, row: Row, address: str, body: dict[str, Any] | None) -> HttpResponseBase:
    """The answer to a request with that body; None for one without."""
    headers = {} if row.is_api else page_bodies.HTMX.get(row.name, {})
    call = getattr(client, row.method.lower())
    if row.method in SAFE or body is None:
        return call(address, headers=headers)
    if row.is_api and not any(isinstance(one, ContentFile) for one in body.values()):
        return call(address, json.dumps(body), content_type="application/json", headers=headers)
    return call(address, body, headers=headers)


def told(response: HttpResponseBase) -> Answer:
    """Which of the answers it is."""
    if response.status_code == 401:
        return Answer.LOGIN
    if response.status_code == 302 and "/login/?next=" in response.headers["Location"]:
        return Answer.LOGIN
    known = {403: Answer.FORBIDDEN, 404: Answer.MISSING, 422: Answer.REFUSED}
    return known.get(response.status_code, Answer.OK if response.status_code < 400 else Answer.OTHER)
