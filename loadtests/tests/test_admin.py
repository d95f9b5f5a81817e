"""The admin of plans opens, searches and does not grow slower with each row."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from loadtests.tests.shop import make_plan, make_shop


@pytest.mark.parametrize("model", ["plan", "scenario", "stage"])
def test_lists_and_forms_open(
    client: Client, administrator: User, model: str, django_assert_max_num_queries: Any
) -> None:
    project, endpoints = make_shop(administrator)
    plans = [make_plan(project, *endpoints) for _number in range(10)]
    client.force_login(administrator)
    address = reverse(f"admin:loadtests_{model}_changelist")
    with django_assert_max_num_queries(12):
        answer = client.get(address, {"q": "Evening"})
    assert answer.status_code == 200
    assert answer.context["cl"].result_count == {"plan": 10, "scenario": 30, "stage": 30}[model]
    scenario = plans[0].scenarios.first()
    assert scenario is not None
    keys = {"plan": plans[0].pk, "scenario": scenario.pk, "stage": scenario.stages.get().pk}
    assert client.get(reverse(f"admin:loadtests_{model}_change", args=[keys[model]])).status_code == 200
