"""A document becomes rows of a project."""

import io
import json
from typing import Any
from unittest import mock

import pytest
from django.test import override_settings
from django.utils import translation

from metricvault.lib.errors import ProductError, Refused, TooLarge, Unreachable
from projects.fetching import Fetched
from projects.models import Endpoint, OpenApiSpec, Project, Tag
from projects.openapi import MAX_BYTES
from projects.spec_import import ImportReport, analyze, warnings_of
from projects.tests.documents import ORDERS, with_paths

pytestmark = pytest.mark.django_db


def read(project: Project, document: Any) -> ImportReport:
    return analyze(project, text=document if isinstance(document, str) else json.dumps(document))


def from_url(project: Project, url: str, document: Any) -> ImportReport:
    answer = Fetched(json.dumps(document).encode(), "utf-8", "application/json", url)
    with mock.patch("projects.discovery.fetch", return_value=answer):
        return analyze(project, url=url)


def get(summary: str = "", **more: Any) -> dict[str, Any]:
    return {"get": {"summary": summary, **more}}


def test_it_keeps_the_document_its_tags_and_endpoints(shop: Project) -> None:
    report = read(shop, ORDERS)
    spec = report.spec
    assert (spec.title, spec.version, spec.base_url) == ("주문 API", "1.10", "https://api.example.com/v1")
    assert spec.document == ORDERS
    assert len(spec.document_hash) == 64
    assert (report.created, report.endpoint_count, report.tag_count) == (True, 3, 3)
    assert report.added == ("GET /orders/{orderId}", "DELETE /orders/{orderId}", "POST /orders")
    names = {str(one): sorted(one.tags.values_list("name", flat=True)) for one in spec.endpoints.all()}
    assert names == {
        "GET /orders/{orderId}": ["orders"],
        "DELETE /orders/{orderId}": ["untagged"],
        "POST /orders": ["orders", "write"],
    }
    assert spec.tags.get(is_untagged=True).name == "untagged"


def test_the_same_document_again_changes_nothing(shop: Project) -> None:
    first = read(shop, ORDERS)
    before = list(Endpoint.objects.values_list("pk", "position").order_by("pk"))
    again = read(shop, ORDERS)
    assert again.spec.pk == first.spec.pk
    assert (again.created, again.added, again.changed, again.removed) == (False, (), (), ())
    assert list(Endpoint.objects.values_list("pk", "position").order_by("pk")) == before
    assert Tag.objects.count() == 3


def test_a_changed_document_updates_and_endpoints_keep_their_ids(shop: Project) -> None:
    read(shop, with_paths({"/a": get("old"), "/b": get(), "/c": get(), "/d": get()}))
    ids = dict(Endpoint.objects.values_list("path", "pk"))
    report = read(shop, with_paths({"/new": get(), "/d": get(), "/a": get("new"), "/b": get(tags=["t"])}))
    assert (report.added, report.removed) == (("GET /new",), ("GET /c",))
    assert set(report.changed) == {"GET /a", "GET /b"}
    assert OpenApiSpec.objects.count() == 1
    after = dict(Endpoint.objects.order_by("position").values_list("path", "pk"))
    assert list(after) == ["/new", "/d", "/a", "/b"]
    assert {path: after[path] for path in ("/a", "/b", "/d")} == {path: ids[path] for path in ("/a", "/b", "/d")}
    assert Endpoint.objects.get(path="/a").summary == "new"


def test_tags_follow_the_document(shop: Project) -> None:
    read(shop, with_paths({"/a": get(tags=["x", "y"])}))
    read(shop, with_paths({"/a": get(tags=["y", "z"])}, tags=[{"name": "y", "description": "now described"}]))
    assert list(Tag.objects.values_list("name", "description")) == [("y", "now described"), ("z", "")]
    assert list(Endpoint.objects.get().tags.values_list("name", flat=True)) == ["y", "z"]


def test_a_document_of_another_address_is_another_document(shop: Project) -> None:
    same = with_paths({"/a": get()})
    first = from_url(shop, "http://one.example/openapi.json", same)
    second = from_url(shop, "http://two.example/openapi.json", same)
    again = from_url(shop, "http://one.example/openapi.json", with_paths({}, info={"title": "renamed"}))
    assert first.spec.pk != second.spec.pk
    assert again.spec.pk == first.spec.pk
    assert again.removed == ("GET /a",)


def test_an_uploaded_document_updates_the_one_of_its_title(shop: Project) -> None:
    first = from_url(shop, "http://one.example/openapi.json", with_paths({"/a": get()}))
    again = read(shop, with_paths({"/a": get(), "/b": get()}))
    assert again.spec.pk == first.spec.pk
    assert again.spec.source_url == "http://one.example/openapi.json"


def test_documents_that_share_a_title_and_no_endpoint_are_two(shop: Project) -> None:
    read(shop, with_paths({"/a": get()}, info={"title": "FastAPI"}))
    read(shop, with_paths({"/b": get()}, info={"title": "FastAPI"}))
    assert OpenApiSpec.objects.count() == 2


def test_documents_of_two_projects_do_not_meet(shop: Project) -> None:
    other = Project.objects.create(title="Other")
    assert read(shop, ORDERS).spec.pk != read(other, ORDERS).spec.pk


def test_a_base_url_that_a_person_set_stays(shop: Project) -> None:
    spec = read(shop, ORDERS).spec
    OpenApiSpec.objects.filter(pk=spec.pk).update(base_url="http://localhost:9000")
    assert read(shop, ORDERS).spec.base_url == "http://localhost:9000"


def test_a_base_url_of_the_document_follows_the_document(shop: Project) -> None:
    read(shop, with_paths({"/a": get()}))
    moved = with_paths({"/a": get()}, servers=[{"url": "https://moved.example"}])
    assert read(shop, moved).spec.base_url == "https://moved.example"


def test_a_relative_server_is_completed_by_the_address(shop: Project) -> None:
    document = with_paths({"/a": get()}, servers=[{"url": "/v1"}])
    assert (
        from_url(shop, "http://one.example:81/docs/openapi.json", document).spec.base_url == "http://one.example:81/v1"
    )


def test_a_document_without_a_title_is_named_by_its_file(shop: Project) -> None:
    file = io.BytesIO(b'{"openapi": "3.0.0", "paths": {"/a": {"get": {}}}}')
    file.name = "orders.json"  # type: ignore[misc]
    assert analyze(shop, file=file).spec.title == "orders.json"


@pytest.mark.parametrize(
    ("source", "kind", "field", "said"),
    [
        ({"text": "<html></html>"}, Refused, "document", "web page"),
        ({"file": io.BytesIO(b"")}, Refused, "file", "empty"),
        ({"file": io.BytesIO(b" " * (MAX_BYTES + 1))}, TooLarge, "file", "20 MB"),
        ({"url": "http://127.0.0.1:9/openapi.json"}, Unreachable, "openapi_url", "127.0.0.1:9"),
        ({"url": "openapi.json"}, Refused, "openapi_url", "http://"),
        ({}, Refused, "openapi_url", "Give one source"),
        ({"url": "http://127.0.0.1:9/", "text": "{}"}, Refused, "openapi_url", "Give one source"),
    ],
)
@override_settings(METRICVAULT_IMPORT_PRIVATE=True)
def test_an_error_names_its_field_and_leaves_nothing(
    shop: Project, source: dict[str, Any], kind: type[ProductError], field: str, said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        analyze(shop, **source)
    assert caught.value.details[0].field == field
    assert OpenApiSpec.objects.count() == 0


@override_settings(METRICVAULT_IMPORT_PRIVATE=False)
def test_inner_addresses_are_refused_unless_allowed(shop: Project) -> None:
    with pytest.raises(Refused, match="METRICVAULT_IMPORT_PRIVATE"):
        analyze(shop, url="http://127.0.0.1:9/openapi.json")


def test_a_failure_in_the_middle_leaves_nothing(shop: Project) -> None:
    with mock.patch("projects.spec_import._keep_pairs", side_effect=RuntimeError), pytest.raises(RuntimeError):
        read(shop, ORDERS)
    assert (OpenApiSpec.objects.count(), Endpoint.objects.count(), Tag.objects.count()) == (0, 0, 0)


def test_warnings_are_kept_and_read_in_the_readers_language(shop: Project) -> None:
    spec = read(shop, with_paths({"/a/{id}": get()})).spec
    spec.refresh_from_db()
    expected = [{"where": "GET /a/{id}", "message": "The document does not describe {id}. Give a value."}]
    assert warnings_of(spec) == expected
    with (
        mock.patch("projects.sources._", lambda text: text.replace("Give a value.", "값을 입력합니다.")),
        translation.override("ko"),
    ):
        assert warnings_of(spec)[0]["message"].endswith("값을 입력합니다.")


def test_text_is_kept_as_text(shop: Project) -> None:
    evil = "<script>alert(1)</script>"
    spec = read(shop, with_paths({f'/"{evil}': get(evil, tags=[evil])}, info={"title": evil, "version": evil})).spec
    assert (spec.title, spec.endpoints.get().summary) == (evil, evil)


def test_text_longer_than_its_column_is_cut(shop: Project) -> None:
    long = "x" * 3000
    document = with_paths({"/a": get(long, operationId=long, tags=[long])}, info={"title": long, "version": long})
    spec = read(shop, document).spec
    assert (len(spec.title), len(spec.version), len(spec.endpoints.get().summary)) == (500, 100, 1000)
    assert len(spec.tags.get().name) == 500


def test_twelve_hundred_operations_import_by_few_questions(shop: Project, django_assert_max_num_queries: Any) -> None:
    schema = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(20)}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}
    paths = {
        f"/a{number}/{{id}}": {"post": {"tags": [f"t{number % 40}"], "requestBody": body}} for number in range(1200)
    }
    document = json.dumps(with_paths(paths, components={"schemas": {"S": schema}}))
    with django_assert_max_num_queries(80):
        assert analyze(shop, text=document).endpoint_count == 1200
        assert analyze(shop, text=document).changed == ()
