"""alice owns the project `shop`, bob is a member of it, rita reads it, charlie is a stranger."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from projects import oidc
from projects.models import Membership, OpenApiSpec, Project
from projects.spec_import import analyze
from projects.tests.documents import ORDERS
from projects.tests.oidc_provider import CLIENT, SECRET, ProviderOfTests, running_provider


@pytest.fixture
def rita(db: None) -> User:
    return User.objects.create_user("rita", password="rita")


@pytest.fixture
def shop(alice: User, bob: User, rita: User) -> Project:
    project = Project.objects.create(title="Shop", summary="Web shop, staging", owner=alice)
    Membership.objects.create(project=project, user=bob)
    Membership.objects.create(project=project, user=rita, role=Membership.Role.READER)
    return project


@pytest.fixture
def orders(shop: Project) -> OpenApiSpec:
    """The document ORDERS, imported: three endpoints, one of them untagged."""
    return analyze(shop, text=ORDERS).spec


def as_user(user: User) -> Client:
    """A browser or a program with the session of `user`."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice_client(alice: User) -> Client:
    return as_user(alice)


@pytest.fixture
def bob_client(bob: User) -> Client:
    return as_user(bob)


@pytest.fixture
def rita_client(rita: User) -> Client:
    return as_user(rita)


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    return as_user(charlie)


@pytest.fixture(scope="session")
def provider_server() -> Iterator[ProviderOfTests]:
    with running_provider() as started:
        yield started


@pytest.fixture
def provider(provider_server: ProviderOfTests, settings: Settings) -> ProviderOfTests:
    """The provider, set up in this copy; whatever another test spoilt is whole again."""
    provider_server.__init__(provider_server.url)  # type: ignore[misc]
    known = {"issuer": provider_server.url, "client_id": CLIENT, "client_secret": SECRET, "name": "Acme"}
    settings.METRICVAULT_OIDC = {**settings.METRICVAULT_OIDC, **known}
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "projects.oidc.ProviderBackend"]
    oidc._read.clear()
    return provider_server


@pytest.fixture
def change_provider(settings: Settings) -> Callable[..., None]:
    def changed(**values: Any) -> None:
        settings.METRICVAULT_OIDC = {**settings.METRICVAULT_OIDC, **values}

    return changed
