"""What is there when a copy is updated keeps its meaning, and the way back is open."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE, AFTER = [("projects", "0001_models")], [("projects", "0003_missing_values")]


def migrate(targets: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.mark.django_db(transaction=True)
def test_endpoints_of_an_older_version_get_their_missing_values() -> None:
    latest = list(MigrationExecutor(connection).loader.graph.leaf_nodes())
    try:
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
    finally:
        MigrationExecutor(connection).migrate(latest)
