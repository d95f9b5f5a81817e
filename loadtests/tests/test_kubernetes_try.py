"""A plan is tried in a pod as it would run there, on a real cluster."""

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from loadtests import planning, trying
from loadtests.editing import full_plans
from loadtests.tests.journey import make_journey, open_shop
from loadtests.tests.test_kubernetes_large_script import runner_on

if TYPE_CHECKING:
    from tests.cluster import Cluster

pytestmark = [pytest.mark.needs("cluster"), pytest.mark.django_db]


def test_one_iteration_in_a_pod(
    cluster: "Cluster", namespace: str, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.METRICVAULT_RUNNER = "kubernetes"
    runner = runner_on(cluster, namespace)
    monkeypatch.setattr(trying, "open_runner", lambda: runner)
    with open_shop() as shop:
        made = make_journey(alice, shop.url.replace("127.0.0.1", cluster.host_address))
        plan = full_plans().get(pk=made.pk)
        row = trying.start(planning.from_plan(plan), alice, plan)
        over = trying.run(row.pk, timezone.now())
        while not over:
            over = trying.follow(row.pk, timezone.now())
    row.refresh_from_db()
    assert row.state == "passed", (row.message, row.log)
    assert shop.seen == ["POST /login", "POST /orders", "GET /orders/41"]
    assert row.result[1]["extracts"][0]["value"] == "41"
    assert runner.poll(trying.job_name(row)).phase == "absent"
