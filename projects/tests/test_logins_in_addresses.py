"""A login in an address is left out or refused: whoever sees a project sees its addresses."""

import json

from django.test import Client
from django.urls import reverse

from projects.models import OpenApiSpec, Project
from projects.spec_import import analyze

ADDRESS = "https://loader:s3cret@api.example.com/v1"


def document(**more: object) -> str:
    info = {"title": "Shop", "version": "1"}
    return json.dumps({"info": info, "paths": {"/a": {"get": {"responses": {"200": {"description": ""}}}}}, **more})


def test_of_a_document_s_server_it_is_left_out_and_said(shop: Project) -> None:
    spec = analyze(shop, text=document(openapi="3.0.3", servers=[{"url": ADDRESS}])).spec
    assert spec.base_url == "https://api.example.com/v1"
    shown = json.dumps([spec.servers, spec.warnings])
    assert "s3cret" not in shown
    assert "has a login in its address" in shown


def test_so_it_is_of_swagger_and_of_what_is_no_address(shop: Project) -> None:
    spec = analyze(shop, text=document(swagger="2.0", host="loader:s3cret@api.example.com", basePath="/v1")).spec
    assert spec.base_url == "https://api.example.com/v1"
    other = analyze(shop, text=document(openapi="3.0.3", servers=[{"url": "ftp://loader:s3cret@api.example.com"}])).spec
    assert "s3cret" not in json.dumps([spec.servers, spec.warnings, other.servers, other.warnings])


def test_as_a_base_url_it_is_refused(alice_client: Client, orders: OpenApiSpec) -> None:
    before = orders.base_url
    answer = alice_client.post(reverse("projects:spec-edit", args=[orders.pk]), {"base_url": ADDRESS})
    orders.refresh_from_db()
    assert orders.base_url == before
    assert "Leave the login out of the address" in answer.content.decode()
