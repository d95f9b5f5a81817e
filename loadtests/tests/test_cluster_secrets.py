"""On a cluster, secrets are in the run's Secret alone: not in the Job, the ConfigMap, or a command line."""

import json

import pytest
from django.contrib.auth.models import User

from history.models import TestHistory
from history.states import Status
from loadtests.k6.plan import RequestPlan, RunPlan, ScenarioPlan, Secret, SecretPlan, StagePlan, StepPlan, to_json
from loadtests.k6.script import build_script
from loadtests.load_spec import run_spec
from loadtests.runners import KUBERNETES
from loadtests.runners.manifests import JobSpec, Placement, build_config, build_job, build_secret
from projects.environment_keeping import EnvironmentPatch, keep
from projects.models import Environment, Project

SECRET = "s3cret-of-the-environment"
OWNER = {"metadata": {"uid": "1"}}


@pytest.fixture
def run(alice: User) -> TestHistory:
    project = Project.objects.create(title="Shop", owner=alice)
    given = {"name": "staging", "variables": [{"name": "pin", "value": SECRET, "secret": True}]}
    environment = keep(Environment(project=project), EnvironmentPatch.model_validate(given))
    request = RequestPlan("GET", "http://shop.example.com/", "GET /", (("X-Pin", (Secret("MV_1"),)),), None)
    scenario = ScenarioPlan("1", "Buy", "constant-vus", (StagePlan(5, 1),), 0.0, (StepPlan("GET /", request),))
    named = (SecretPlan("MV_1", "variable:pin"),)
    plan = RunPlan("1", "Buy", (scenario,), secrets=named, environment=environment.pk)
    return TestHistory.objects.create(
        project=project,
        title="Buy",
        job_name="k6-1",
        status=Status.QUEUED,
        runner=KUBERNETES,
        k6_script_file_name="script.js",
        plan_snapshot=to_json(plan),
        script=build_script(plan),
    )


def test_only_the_secret_holds_what_is_secret(run: TestHistory) -> None:
    spec = run_spec(run)
    job = JobSpec("k6-1", "1", 1, spec.script_file, spec.arguments, Placement("grafana/k6:1.1.0"), 60, 60)
    open_ones = json.dumps([build_job(job), build_config(job, spec.all_files, OWNER)])
    held = json.dumps(build_secret(job, spec.environment, OWNER))
    for secret in (SECRET, run.ingest_token):
        assert secret not in open_ones
        assert secret in held


def test_nor_is_it_in_what_the_product_keeps_of_the_run(run: TestHistory) -> None:
    assert SECRET not in json.dumps(run.plan_snapshot) + run.script + repr(run_spec(run).arguments)
