"""alice owns the project `shop`, bob is a member of it, rita reads it, charlie is a stranger."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects.models import Membership, OpenApiSpec, Project
from projects.spec_import import analyze
from projects.tests.documents import ORDERS


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
