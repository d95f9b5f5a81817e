"""After a new SECRET_KEY everything is sealed again, so that the old key can go."""

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from projects.environments import SecretsUnreadable, sealed, unsealed
from projects.fetching import SecretHeaders
from projects.models import Environment, OpenApiSpec, Project
from projects.sealing import seal, unseal

HEADERS = SecretHeaders("https://api.example.com:443", (("Authorization", "Bearer s3cret"),))


def test_what_an_older_key_sealed_is_read_without_it_afterwards(
    shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with override_settings(SECRET_KEY="old"):
        environment = Environment.objects.create(project=shop, name="a", sealed=sealed({"variable:x": "s3cret"}))
        spec = OpenApiSpec.objects.create(project=shop, title="t", sealed_headers=seal(HEADERS))
    Environment.objects.create(project=shop, name="no secrets")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        call_command("reseal")
    assert capsys.readouterr().out == "2 sealed by the newest key.\n"
    with override_settings(SECRET_KEY="new"):
        environment.refresh_from_db()
        spec.refresh_from_db()
        assert unsealed(environment) == {"variable:x": "s3cret"}
        assert unseal(spec.sealed_headers) == HEADERS


def test_what_no_key_opens_is_named(shop: Project) -> None:
    with override_settings(SECRET_KEY="lost"):
        environment = Environment.objects.create(project=shop, name="a", sealed=sealed({"variable:x": "s3cret"}))
    with pytest.raises(CommandError, match=f"environment {environment.pk}"):
        call_command("reseal")


def test_a_key_of_its_own_takes_over_and_both_rotate_apart(shop: Project) -> None:
    with override_settings(SECRET_KEY="signs"):
        environment = Environment.objects.create(project=shop, name="a", sealed=sealed({"variable:x": "s3cret"}))
    with override_settings(SECRET_KEY="signs", METRICVAULT_ENCRYPTION_KEY="seals"):
        environment.refresh_from_db()
        assert unsealed(environment) == {"variable:x": "s3cret"}  # what SECRET_KEY sealed is read still
        call_command("reseal")
    with override_settings(SECRET_KEY="signs anew", METRICVAULT_ENCRYPTION_KEY="seals"):
        environment.refresh_from_db()
        assert unsealed(environment) == {"variable:x": "s3cret"}  # it no longer hangs on SECRET_KEY
    rotated = {"METRICVAULT_ENCRYPTION_KEY": "seals anew", "METRICVAULT_ENCRYPTION_KEY_FALLBACKS": ["seals"]}
    with override_settings(SECRET_KEY="signs anew", **rotated):
        call_command("reseal")
    with override_settings(SECRET_KEY="signs anew", METRICVAULT_ENCRYPTION_KEY="seals anew"):
        environment.refresh_from_db()
        assert unsealed(environment) == {"variable:x": "s3cret"}
    with override_settings(SECRET_KEY="signs", METRICVAULT_ENCRYPTION_KEY="seals"), pytest.raises(SecretsUnreadable):
        unsealed(environment)
