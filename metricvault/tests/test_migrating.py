"""`migrate` says what this copy has wrong before it touches a table, and does not import every page for that."""

import sys
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.checks.registry import registry
from django.core.management import call_command
from django.core.management.base import SystemCheckError

ROOMS = {"metricvault", "projects", "history", "loadtests"}


@pytest.mark.django_db
def test_it_refuses_what_the_environment_has_wrong(settings: Any) -> None:
    settings.METRICVAULT_OPEN_ACCESS, settings.METRICVAULT_BIND = True, "0.0.0.0"
    with pytest.raises(SystemCheckError, match="metricvault.E001"):
        call_command("migrate", skip_checks=False)


def test_all_checks_of_ours_are_among_its() -> None:
    ours = [one for one in registry.get_checks() if one.__module__.split(".")[0] in ROOMS]
    assert ours
    assert all("metricvault" in one.tags for one in ours)


def test_the_checks_of_a_whole_copy_ask_the_administration() -> None:
    assert run_checks(tags=["admin"]) == []
    assert "history.admin" in sys.modules
