"""What is there when a copy is updated keeps its meaning, and the way back is open."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from pytest_django.plugin import DjangoDbBlocker

BEFORE, AFTER = [("projects", "0001_models")], [("projects", "0003_missing_values")]


def migrate(targets: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.fixture
def _empty_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In the place of that of all tests, which knows all migrations: to take it back and forth takes five times as
    long."""
    plain, other = connections["default"], connections.create_connection("default")
    name = ":memory:"
    with django_db_blocker.unblock():
        if plain.vendor == "postgresql":
            name = f"{plain.settings_dict['NAME']}_empty"
            with plain._nodb_cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
                cursor.execute(f'CREATE DATABASE "{name}"')
        other.settings_dict = {**plain.settings_dict, "NAME": name}
        connections["default"] = other
        yield
        other.close()
        connections["default"] = plain


@pytest.mark.usefixtures("_empty_database")
def test_endpoints_of_an_older_version_get_their_missing_values() -> None:
    old = migrate(BEFORE)
    project = old.get_model("projects", "Project").objects.create(title="Shop")
    spec = old.get_model("projects", "OpenApiSpec").objects.create(project=project, title="Shop")
    lacking = {"name": "id", "in": "path", "required": True, "value": None}
    rows = {"/a": [lacking], "/b": [{**lacking, "value": 1}], "/odd": ["by hand"]}
    for path, parameters in rows.items():
        old.get_model("projects", "Endpoint").objects.create(
            openapi_spec=spec, method="GET", path=path, parameters=parameters
        )
    new = migrate(AFTER).get_model("projects", "Endpoint")
    assert dict(new.objects.values_list("path", "missing")) == {"/a": ["id"], "/b": [], "/odd": []}
    assert migrate(BEFORE).get_model("projects", "Endpoint").objects.count() == 3
