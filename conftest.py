"""The cast of every test: alice owns, bob is a member, charlie is a stranger, admin may everything."""

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", password="bob")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie", password="charlie")


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("administrator", password="administrator")


@pytest.fixture
def database_store(settings: Settings) -> None:
    """For tests of that store alone, whichever one the tests run on (tests/on_servers.py)."""
    settings.METRICVAULT_METRICS_STORE = "database"
