"""Pages of projects, as people with different rights see them."""

import json
import re
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from projects import importing
from projects.fetching import Fetched
from projects.models import DocumentImport, Endpoint, OpenApiSpec, Project
from projects.spec_import import analyze
from projects.tests.documents import ORDERS, with_paths

HTMX = {"HX-Request": "true"}


def page(client: Client, name: str, *args: Any, query: str = "", **more: Any) -> str:
    answer = client.get(reverse(f"projects:{name}", args=args) + query, **more)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(html: str) -> list[str]:
    return re.findall(r'aria-label="([A-Z]+ /[^"]*)"', html)


def test_the_list_shows_projects_with_their_counts(orders: OpenApiSpec, alice_client: Client) -> None:
    html = page(alice_client, "list")
    assert "Web shop, staging" in html
    assert re.search(r'data-th="Endpoints">\s*3\s*<', html)


def test_the_list_is_empty_for_a_newcomer(charlie_client: Client, orders: OpenApiSpec) -> None:
    html = page(charlie_client, "list")
    assert "No projects yet" in html
    assert "Web shop" not in html


def test_the_list_is_searched_by_every_word(alice: User, alice_client: Client) -> None:
    Project.objects.create(title="Shop", summary="web", owner=alice)
    Project.objects.create(title="Bank", summary="web", owner=alice)
    html = page(alice_client, "list", query="?q=WEB+bank", headers=HTMX)
    assert "Bank" in html
    assert "Shop" not in html
    assert "<html" not in html
    assert "Nothing matches" in page(alice_client, "list", query="?q=nowhere")


def test_the_list_is_sorted_and_has_pages(alice: User, alice_client: Client) -> None:
    Project.objects.bulk_create(Project(title=f"P{number:02}", owner=alice) for number in range(30))
    # As whole texts: a CSRF token may hold "P02" anywhere.
    assert re.findall(r">(P\d\d)<", page(alice_client, "list", query="?sort=-title"))[0] == "P29"
    assert re.findall(r">(P\d\d)<", page(alice_client, "list", query="?page=2"))[0] == "P25"
    assert "P00" in page(alice_client, "list", query="?sort=nonsense&page=x")


def test_lists_ask_few_queries_however_long(
    alice: User, alice_client: Client, orders: OpenApiSpec, django_assert_max_num_queries: Any
) -> None:
    Project.objects.bulk_create(Project(title=f"P{number}", owner=alice) for number in range(25))
    with django_assert_max_num_queries(6):
        page(alice_client, "list")
    with django_assert_max_num_queries(17):
        page(alice_client, "detail", orders.project_id)
    with django_assert_max_num_queries(17):
        page(alice_client, "spec", orders.pk)


def test_a_project_is_made_and_leads_to_its_import(alice: User, alice_client: Client) -> None:
    answer = alice_client.post(reverse("projects:new"), {"title": "Shop"})
    project = Project.objects.get()
    assert project.owner == alice
    assert answer.headers["Location"] == reverse("projects:import", args=[project.pk])


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, "a\x00b"])
def test_a_title_that_cannot_be_taken_is_said_at_the_field(alice_client: Client, title: str) -> None:
    answer = alice_client.post(reverse("projects:new"), {"title": title, "summary": "kept"})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'data-problem="title"' in html
    assert 'value="kept"' in html
    assert Project.objects.count() == 0


def test_a_project_is_changed(shop: Project, bob_client: Client) -> None:
    bob_client.post(reverse("projects:edit", args=[shop.pk]), {"title": "New"})
    shop.refresh_from_db()
    assert shop.title == "New"


def test_a_project_is_deleted(shop: Project, alice_client: Client) -> None:
    assert "This cannot be undone" in page(alice_client, "edit", shop.pk)
    answer = alice_client.post(reverse("projects:delete", args=[shop.pk]))
    assert answer.headers["Location"] == reverse("projects:list")
    assert Project.objects.count() == 0


def test_a_project_with_an_active_run_is_kept(shop: Project, alice_client: Client) -> None:
    shop.test_histories.create(title="r", job_name="r")
    answer = alice_client.post(reverse("projects:delete", args=[shop.pk]), headers={"Accept": "text/html"})
    assert answer.status_code == 409
    assert "Stop it or wait" in answer.content.decode()
    assert Project.objects.count() == 1


@pytest.mark.parametrize("name", ["detail", "edit", "import"])
def test_a_stranger_finds_no_project(shop: Project, charlie_client: Client, name: str) -> None:
    assert charlie_client.get(reverse(f"projects:{name}", args=[shop.pk])).status_code == 404


@pytest.mark.parametrize("name", ["edit", "delete", "import", "spec-edit", "spec-delete"])
def test_a_reader_changes_nothing(orders: OpenApiSpec, rita_client: Client, name: str) -> None:
    pk = orders.pk if name.startswith("spec") else orders.project_id
    assert rita_client.post(reverse(f"projects:{name}", args=[pk]), {"title": "x"}).status_code == 403
    assert OpenApiSpec.objects.count() == 1


@pytest.mark.parametrize("name", ["spec", "spec-edit"])
def test_a_stranger_finds_no_document(orders: OpenApiSpec, charlie_client: Client, name: str) -> None:
    assert charlie_client.get(reverse(f"projects:{name}", args=[orders.pk])).status_code == 404


def test_a_reader_sees_no_buttons_that_change(orders: OpenApiSpec, rita_client: Client) -> None:
    html = page(rita_client, "detail", orders.project_id) + page(rita_client, "spec", orders.pk)
    for name in ("edit", "import", "delete"):
        assert reverse(f"projects:{name}", args=[orders.project_id]) not in html
    assert reverse("projects:spec-edit", args=[orders.pk]) not in html


@pytest.mark.parametrize("name", ["delete", "spec-delete"])
def test_nothing_is_deleted_by_a_link(orders: OpenApiSpec, alice_client: Client, name: str) -> None:
    assert alice_client.get(reverse(f"projects:{name}", args=[orders.pk])).status_code == 405


def test_a_project_without_an_api_says_what_comes_next(shop: Project, alice_client: Client) -> None:
    assert "No API yet" in page(alice_client, "detail", shop.pk)


def test_endpoints_stand_under_each_of_their_tags(orders: OpenApiSpec, alice_client: Client) -> None:
    html = page(alice_client, "detail", orders.project_id)
    assert rows(html) == ["GET /orders/{orderId}", "POST /orders", "POST /orders", "DELETE /orders/{orderId}"]
    groups = re.findall(r'scope="rowgroup" class="full">\s*([^<]*?)\s*</th>', html)
    assert groups == ["orders", "write", "untagged"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=read", ["GET /orders/{orderId}"]),
        ("?q=post", ["POST /orders", "POST /orders"]),
        ("?tag=UNTAGGED", ["DELETE /orders/{orderId}"]),
        ("?tag=WRITE", ["POST /orders"]),
        ("?tag=WRITE&q=read", []),
        ("?q=%00", ["GET /orders/{orderId}", "POST /orders", "POST /orders", "DELETE /orders/{orderId}"]),
        ("?tag=x&page=99", ["GET /orders/{orderId}", "POST /orders", "POST /orders", "DELETE /orders/{orderId}"]),
    ],
)
@pytest.mark.parametrize("name", ["detail", "spec"])
def test_endpoints_are_found_while_one_types(
    orders: OpenApiSpec, alice_client: Client, query: str, found: list[str], name: str
) -> None:
    for tag in orders.tags.all():
        query = query.replace(tag.name.upper(), str(tag.pk))
    html = page(alice_client, name, orders.project_id if name == "detail" else orders.pk, query=query, headers=HTMX)
    assert html.strip().startswith('<div id="endpoints">')
    assert rows(html) == found


def test_many_endpoints_have_pages_that_count_right(shop: Project, alice_client: Client) -> None:
    paths = {f"/a{number:03}": {"get": {"tags": ["x", "y"]}} for number in range(150)}
    spec = analyze(shop, text=json.dumps(with_paths(paths))).spec
    assert len(rows(page(alice_client, "spec", spec.pk))) == 100
    assert len(rows(page(alice_client, "spec", spec.pk, query="?page=3", headers=HTMX))) == 100


def test_an_import_by_text_leads_to_the_document(shop: Project, alice_client: Client) -> None:
    answer = alice_client.post(reverse("projects:import", args=[shop.pk]), {"way": "document", "document": ORDERS})
    spec = OpenApiSpec.objects.get()
    assert answer.headers["Location"] == reverse("projects:spec", args=[spec.pk])
    html = page(alice_client, "spec", spec.pk)
    assert "주문 API is imported: 3 endpoints." in html


def test_an_import_by_htmx_leads_to_the_document_too(shop: Project, alice_client: Client) -> None:
    data = {"way": "file", "file": SimpleUploadedFile("orders.yaml", ORDERS.encode())}
    answer = alice_client.post(reverse("projects:import", args=[shop.pk]), data, headers=HTMX)
    assert answer.headers["HX-Redirect"] == reverse("projects:spec", args=[OpenApiSpec.objects.get().pk])


def test_an_import_from_an_address_can_be_read_again(shop: Project, alice_client: Client) -> None:
    url = "http://one.example/openapi.json"
    answer = Fetched(json.dumps(with_paths({"/a": {"get": {}}})).encode(), "", "", url)
    alice_client.post(reverse("projects:import", args=[shop.pk]), {"way": "openapi_url", "openapi_url": url})
    with mock.patch("projects.discovery.fetch", return_value=answer):
        assert importing.carry_out(DocumentImport.objects.get().pk)
    spec = OpenApiSpec.objects.get()
    assert f'value="{url}"' in page(alice_client, "import", shop.pk, query=f"?spec={spec.pk}")


@pytest.mark.parametrize(
    ("way", "value", "said"),
    [
        ("openapi_url", "", "Write the address"),
        ("openapi_url", "127.0.0.1:9/x", "Write it with http://"),
        ("document", "", "Paste the text"),
        ("document", "<html></html>", "web page"),
        ("file", "", "Choose a file"),
        ("file", SimpleUploadedFile("x.json", b""), "empty"),
        ("nonsense", "", ""),
    ],
)
@override_settings(METRICVAULT_IMPORT_PRIVATE=True)
def test_an_import_that_fails_says_why_at_its_field(
    shop: Project, alice_client: Client, way: str, value: Any, said: str
) -> None:
    answer = alice_client.post(reverse("projects:import", args=[shop.pk]), {"way": way, way: value}, headers=HTMX)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert html.count("data-problem=") == (1 if said else 0)
    assert f'data-problem="{way}"' in html or not said
    assert said in html
    assert OpenApiSpec.objects.count() == 0


def test_the_document_shows_what_was_found(shop: Project, alice_client: Client) -> None:
    spec = analyze(shop, text=json.dumps(with_paths({"/a/{id}": {"get": {}}, "/b": {"get": {}}}, servers=[]))).spec
    html = page(alice_client, "spec", spec.pk)
    assert "The document does not describe {id}. Give a value." in html
    assert "The document does not say where the API is" in html
    assert ">needs id<" in html


def test_text_of_a_document_is_text_on_the_page(shop: Project, alice_client: Client) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'
    document = with_paths(
        {f"/{evil}": {"get": {"summary": evil, "tags": [evil], "operationId": evil}}, evil: None},
        info={"title": evil, "version": evil, "description": evil},
        servers=[{"url": f"https://ok.example/{evil}", "description": evil}],
    )
    spec = analyze(shop, text=json.dumps(document)).spec
    for html in (
        page(alice_client, "spec", spec.pk),
        page(alice_client, "detail", shop.pk),
        page(alice_client, "list"),
    ):
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_the_base_url_is_changed(orders: OpenApiSpec, alice_client: Client) -> None:
    answer = alice_client.post(
        reverse("projects:spec-edit", args=[orders.pk]), {"base_url": " http://localhost:9000/v1 "}
    )
    assert answer.headers["Location"] == reverse("projects:spec", args=[orders.pk])
    assert OpenApiSpec.objects.get().base_url == "http://localhost:9000/v1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/v1",
        "ftp://a.example",
        "http://",
        "javascript:alert(1)",
        "http://a b",
        "http://a?x=1",
        "http://a:b",
        "http://[a",
    ],
)
def test_a_base_url_that_cannot_be_used_is_said_at_the_field(
    orders: OpenApiSpec, alice_client: Client, url: str
) -> None:
    answer = alice_client.post(reverse("projects:spec-edit", args=[orders.pk]), {"base_url": url})
    assert answer.status_code == 422
    assert 'data-problem="base_url"' in answer.content.decode()
    assert OpenApiSpec.objects.get().base_url == "https://api.example.com/v1"


def test_a_document_is_deleted(orders: OpenApiSpec, alice_client: Client) -> None:
    answer = alice_client.post(reverse("projects:spec-delete", args=[orders.pk]))
    assert answer.headers["Location"] == reverse("projects:detail", args=[orders.project_id])
    assert Endpoint.objects.count() == 0
