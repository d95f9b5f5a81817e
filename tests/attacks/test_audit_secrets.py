"""Secrets are put wherever the product takes one, by page, API and administration; the audit has none of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.serializers import serialize
from django.test import Client
from django.urls import reverse

from loadtests import plan_audit
from loadtests.models import Plan
from loadtests.tests.shop import make_plan, make_shop
from projects import audit_values
from projects.models import ApiToken, AuditEntry, Environment, OpenApiSpec, Project
from projects.sealing import SecretHeaders, seal

MARK = "S3CRET"  # of each of them
JSON = "application/json"
PASSWORD = f"long-enough-{MARK}-password"


@pytest.fixture
def plan(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: None)
    project, (products, *_rest) = make_shop(alice, bob)
    return make_plan(project, products)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def environments(page: Client, project: Project) -> None:
    document: dict[str, Any] = {
        "project_id": project.pk,
        "name": "staging",
        "variables": [
            {"name": "key", "value": f"{MARK}-variable", "secret": True},
            {"name": "careless", "value": f"{MARK}-plain"},
        ],
        "headers": [{"name": "X-Tenant", "value": f"{MARK}-header"}],
        "credentials": [{"scheme": "login", "kind": "bearer", "token": f"{MARK}-bearer"}],
    }
    spec = project.openapi_specs.get()
    OpenApiSpec.objects.filter(pk=spec.pk).update(
        security_schemes=[{"name": "login", "kind": "bearer", "flows": []}],
        sealed_headers=seal(SecretHeaders("https://example.com", (("X-Key", f"{MARK}-document"),))),
    )
    answer = page.post("/environment", document, content_type=JSON)
    assert answer.status_code == 201, answer.content
    key = answer.json()["id"]
    changed = {"variables": [{"name": "key", "value": f"{MARK}-other", "secret": True}]}
    assert page.patch(f"/environment/{key}", changed, content_type=JSON).status_code == 200
    page.post(f"/environment/{key}/duplicate")
    for row in Environment.objects.all():
        page.delete(f"/environment/{row.pk}")
    page.delete(f"/openapi/{spec.pk}")


def people(page: Client, administrator: User, bob: User) -> None:
    Client().post(reverse("login"), {"username": "alice", "password": PASSWORD})
    values = {"old_password": "alice", "new_password1": PASSWORD, "new_password2": PASSWORD}
    page.post(reverse("password_change"), values)
    admin = as_user(administrator)
    both = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    admin.post(reverse("admin:auth_user_add"), {"username": "dora", **both})
    admin.post(reverse("admin:auth_user_password_change", args=[bob.pk]), both)
    admin.post(reverse("admin:auth_user_delete", args=[bob.pk]), {"post": "yes"})


def tokens(page: Client) -> list[str]:
    text = page.post(reverse("tokens"), {"name": "ci", "scope": "admin", "days": "30"}).context["text"]
    assert text
    Client().get("/project", headers={"Authorization": f"Bearer {text}x"})
    row = ApiToken.objects.get()
    page.post(reverse("token-revoke", args=[row.pk]))
    return [text, row.digest]


def plans(page: Client, plan: Plan) -> None:
    scenario = plan.scenarios.get()
    step = scenario.steps.get()
    step.headers = [{"name": "Authorization", "value": ""}, {"name": "X-Api-Key", "value": ""}]
    step.save()
    typed = {
        f"step.{step.pk}.header.0.value": f"Bearer {MARK}-typed",
        f"step.{step.pk}.header.1.value": f"{MARK}-key",
        f"step.{step.pk}.body": json.dumps({"pin": f"{MARK}-body"}),
        f"step.{step.pk}.content_type": JSON,
        f"step.{step.pk}.value.query.api_key": f"{MARK}-query",
    }
    page.post(reverse("loadtests:scenario-save", args=[scenario.pk]), typed)
    plan_audit.close(plan)
    page.post(reverse("loadtests:run", args=[plan.pk]))


def imports(page: Client, project: Project) -> None:
    url = f"http://ann:{MARK}-login@127.0.0.1:9/openapi.json?token={MARK}-t"
    given = {"openapi_url": url, "project_id": project.pk}
    page.post("/openapi/analyze", {**given, "headers": {"X-Key": f"{MARK}-h"}}, content_type=JSON)
    page.get(f"/test-history/999/details?api_key={MARK}-in-the-address")


def written_down(page: Client, plan: Plan, administrator: User, bob: User) -> tuple[str, list[str]]:
    plans(page, plan)
    imports(page, plan.project)
    environments(page, plan.project)
    hidden = tokens(page)
    people(page, administrator, bob)
    return serialize("json", AuditEntry.objects.all()), hidden


def test_no_secret_is_in_the_audit(plan: Plan, alice: User, bob: User, administrator: User) -> None:
    text, hidden = written_down(as_user(alice), plan, administrator, bob)
    kinds = set(AuditEntry.objects.values_list("action", "kind"))
    expected = {("created", "environment"), ("changed", "environment"), ("deleted", "environment")}
    expected |= {("changed", "plan"), ("created", "apitoken"), ("deleted", "apitoken"), ("deleted", "openapispec")}
    expected |= {("created", "user"), ("changed", "user"), ("deleted", "user"), ("refused", "")}
    assert expected <= kinds
    assert MARK not in text
    assert not [one for one in hidden if one in text]


@contextmanager
def unguarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(audit_values, "is_secret", lambda name: False)
        patched.setattr(audit_values, "_LOGINS", ())
        yield


def test_some_would_be_there_without_the_guard(
    plan: Plan, alice: User, bob: User, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unguarded(monkeypatch):
        text, _hidden = written_down(as_user(alice), plan, administrator, bob)
    assert f"{MARK}-typed" in text
    assert f"{MARK}-key" in text
