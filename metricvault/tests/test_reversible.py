"""docs/production.md, back to the version before: every migration of ours can be undone."""

from django.db.migrations.loader import MigrationLoader

OURS = {"projects", "history", "loadtests"}


def test_every_migration_can_be_undone() -> None:
    migrations = MigrationLoader(None).disk_migrations or {}
    stuck = [
        f"{app}.{name}: {operation.describe()}"
        for (app, name), migration in migrations.items()
        if app in OURS
        for operation in migration.operations
        if not operation.reversible
    ]
    assert stuck == []
