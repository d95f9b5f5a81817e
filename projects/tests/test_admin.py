"""The administration of projects, for data fixes."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from projects import data_files
from projects.environment_keeping import EnvironmentPatch, keep
from projects.models import DataFile, DocumentImport, Environment, OpenApiSpec

MODELS = [
    "project", "membership", "openapispec", "tag", "endpoint", "validation", "documentimport", "environment",
    "datafile",
]  # fmt: skip


@pytest.fixture(autouse=True)
def an_import(orders: OpenApiSpec) -> DocumentImport:
    return DocumentImport.objects.create(project=orders.project, field="file", changed_at=timezone.now())


@pytest.fixture(autouse=True)
def an_environment(orders: OpenApiSpec) -> Environment:
    variables = [{"name": "one", "value": "s3cret", "secret": True}]
    asked = EnvironmentPatch.model_validate({"name": "one", "variables": variables})
    return keep(Environment(project=orders.project), asked)


@pytest.fixture(autouse=True)
def a_data_file(orders: OpenApiSpec) -> DataFile:
    return data_files.upload(orders.project, None, "one", SimpleUploadedFile("one.csv", b"a\n1\n"))


@pytest.fixture
def admin_page(administrator: User) -> Client:
    client = Client()
    client.force_login(administrator)
    return client


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_listed_searched_and_opened(orders: OpenApiSpec, admin_page: Client, name: str) -> None:
    listed = reverse(f"admin:projects_{name}_changelist")
    for query in ("", "?q=o"):
        assert admin_page.get(listed + query).status_code == 200
    row = {"project": orders.project, "openapispec": orders}.get(name)
    if row is None:
        from django.apps import apps

        row = apps.get_model("projects", name).objects.first()
    assert admin_page.get(reverse(f"admin:projects_{name}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("name", MODELS)
def test_lists_ask_few_queries(
    orders: OpenApiSpec, admin_page: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        admin_page.get(reverse(f"admin:projects_{name}_changelist"))


def test_the_text_of_a_document_is_not_loaded(orders: OpenApiSpec, admin_page: Client) -> None:
    html = admin_page.get(reverse("admin:projects_openapispec_change", args=[orders.pk])).content.decode()
    assert "requestBodies" not in html


def test_secrets_are_named_and_not_shown(an_environment: Environment, admin_page: Client) -> None:
    html = admin_page.get(reverse("admin:projects_environment_change", args=[an_environment.pk])).content.decode()
    assert "variable:one" in html
    assert "s3cret" not in html
    assert an_environment.sealed not in html
