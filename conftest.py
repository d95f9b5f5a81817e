"""The database and the cast of every test: alice owns, bob is a member, charlie is a stranger, admin may everything."""

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from tests import logging_in, migrated
from tests.examples import examples

# On a busy machine the clock says little.
hypothesis.settings.register_profile("patient", deadline=None, max_examples=examples(25))
hypothesis.settings.load_profile("patient")

Client.force_login = logging_in.force_login  # type: ignore[assignment, method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """The test database begins as a copy (tests/migrated.py); `migrate` runs all the same."""
    from django.db import connection

    test, memory = connection.settings_dict["TEST"], []
    if connection.vendor == "postgresql":
        test["TEMPLATE"] = os.environ.get(migrated.POSTGRES_TEMPLATE) or test["TEMPLATE"]
    else:
        plain = connection.creation._create_test_db

        def filled(*args: Any, **more: Any) -> str:
            name = str(plain(*args, **more))
            memory.append(migrated.fill_memory(name))
            return name

        connection.creation._create_test_db = filled
    yield
    for kept in memory:
        kept.close()


@pytest.fixture(scope="session", autouse=True)
def no_name_server() -> Iterator[None]:
    """Recorded pushes are old. And whether the hosts of a plan may be loaded depends on no name server: names that are
    looked up are not found."""

    def none(host: str, port: int) -> list[str]:
        raise OSError(f"{host} is not looked up in tests")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("history.plausible.SKEW", float("inf"))
        patch.setattr("loadtests.resolving.look_up", none)
        yield


@pytest.fixture(autouse=True)
def _nothing_is_known() -> None:
    """What a process knows of a run is not that of another test's run of the same number; nor of a host."""
    from history import plausible
    from loadtests import resolving

    plausible._known.clear()
    resolving._known.clear()


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
