"""docs/production.md, rotation of secrets: nothing is unreadable in between; afterwards the old key opens nothing."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, override_settings

from history.states import Status
from history.tests.recorded_history import recorded_rows
from projects.api_tokens import make_token
from projects.environments import SecretsUnreadable, sealed, unsealed
from projects.models import ApiToken, Environment

BEFORE = {"SECRET_KEY": "signed", "METRICVAULT_ENCRYPTION_KEY": "sealed"}
BETWEEN = {
    "SECRET_KEY": "signs",
    "SECRET_KEY_FALLBACKS": ["signed"],
    "METRICVAULT_ENCRYPTION_KEY": "seals",
    "METRICVAULT_ENCRYPTION_KEY_FALLBACKS": ["sealed"],
}
AFTER = {"SECRET_KEY": "signs", "METRICVAULT_ENCRYPTION_KEY": "seals"}


def is_logged_in(client: Client) -> bool:
    return client.get("/projects/").status_code == 200


@override_settings(METRICVAULT_OPEN_ACCESS=False)
def test_both_keys_are_replaced_while_people_work_and_load_runs(alice: User) -> None:
    client = Client()
    with override_settings(**BEFORE):
        client.force_login(alice)
        run = recorded_rows(alice, Status.RUNNING, pushes=1)
        environment = Environment.objects.create(project=run.project, name="a", sealed=sealed({"variable:x": "s3cret"}))
        _made, token = make_token(alice, "ci", ApiToken.Scope.READ)
        shown = run.ingest_token
    with override_settings(**BETWEEN):
        assert is_logged_in(client)
        run.refresh_from_db()
        assert run.ingest_token == shown  # k6 goes on with what it was given
        call_command("reseal")
    with override_settings(**AFTER):
        # The browser's page in between was signed anew, so it may go on; a cookie of before opens nothing.
        environment.refresh_from_db()
        assert unsealed(environment) == {"variable:x": "s3cret"}
        program = Client(headers={"Authorization": f"Bearer {token}"})
        assert program.get("/project").status_code == 200
    with override_settings(**BEFORE), pytest.raises(SecretsUnreadable):
        unsealed(environment)


@override_settings(METRICVAULT_OPEN_ACCESS=False)
def test_a_login_of_before_ends_where_its_key_is_gone(alice: User) -> None:
    client = Client()
    with override_settings(**BEFORE):
        client.force_login(alice)
        assert is_logged_in(client)
    with override_settings(**AFTER):
        assert not is_logged_in(client)
