"""The whole corpus of published and hostile documents, where it is at hand: counts made without any OpenAPI library."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from projects.openapi import DocumentError, extract_api, read_document
from projects.tests.documents import PUBLISHED

METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
FACTS: list[dict[str, Any]] = []
if (PUBLISHED / "facts.json").is_file():
    FACTS = json.loads((PUBLISHED / "facts.json").read_text(encoding="utf-8"))
BAD = sorted(path for path in (PUBLISHED / "bad").glob("*") if path.suffix in (".json", ".yaml"))

pytestmark = pytest.mark.skipif(
    not FACTS, reason="needs the published documents in ../shared/specs, which are not here"
)


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts["name"])
def test_a_published_document_has_the_counts_that_others_found(facts: dict[str, Any]) -> None:
    found = read_document((PUBLISHED / "documents" / facts["name"]).read_bytes())
    api = extract_api(found.document)
    counted = [one for one in api.endpoints if one.method in METHODS]
    places = Counter(
        parameter["in"]
        for one in counted
        for parameter in one.parameters
        # a {name} of the path that the document forgot is ours
        if (parameter["schema"], parameter["source"], parameter["description"]) != ({}, "none", "")
    )
    expected = {
        place: n for place, n in facts["parameters_effective_by_in"].items() if place not in ("body", "formData")
    }
    assert {
        "title": api.title or None,
        "version": api.version or None,
        "operations": Counter(one.method.lower() for one in counted),
        "tags": len({name for one in counted for name in one.tags}),
        "without tags": sum(not one.tags for one in counted),
        "several tags": sum(len(one.tags) > 1 for one in counted),
        "bodies": sum(one.request_body is not None for one in counted),
        "deprecated": sum(one.deprecated for one in counted),
        "parameters": places,
        "webhooks": api.webhooks,
        "first server": api.servers[0].declared if api.servers else None,
    } == {
        "title": facts["title"],
        "version": facts["version_as_written"],
        "operations": facts["operations_by_method"],
        "tags": facts["tags_used"],
        "without tags": facts["operations_without_tags"],
        "several tags": facts["operations_with_several_tags"],
        "bodies": facts["operations_with_request_body"],
        "deprecated": facts["operations_deprecated"],
        "parameters": expected,
        "webhooks": facts["webhooks"],
        "first server": facts["first_server"],
    }


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_hostile_document_ends_in_a_sentence_or_in_endpoints(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = path.read_bytes()

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the document made the reader open something")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("socket.socket", refuse)
    start = time.monotonic()
    try:
        api = extract_api(read_document(data).document)
        said = " ".join(warning.message for warning in api.warnings)
    except DocumentError as error:
        said = str(error)
    assert time.monotonic() - start < 5
    assert "Traceback" not in said
    assert "root:" not in said


REFUSED = {
    "01-empty.yaml", "02-html-page.json", "03-truncated.json", "04-billion-laughs.yaml", "05-list.json",
    "12-garbage.json", "16-python-tag.yaml", "17-deep-100k.json", "20-tabs.yaml", "23-asyncapi.yaml",
}  # fmt: skip


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_only_what_is_no_openapi_document_is_refused(path: Path) -> None:
    try:
        read_document(path.read_bytes())
        refused = False
    except DocumentError:
        refused = True
    assert refused == (path.name in REFUSED)
