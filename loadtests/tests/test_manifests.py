"""What the cluster is asked for, object by object; the whole of each is compared."""

import base64
import gzip
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from loadtests.k6.command import pod_command
from loadtests.k6.script import build_script
from loadtests.runners.manifests import (
    MOST_CONFIG,
    JobSpec,
    Placement,
    build_config,
    build_job,
    build_secret,
    carrier,
    cores,
    size,
)
from loadtests.tests.conftest import run_plan

PLAIN = JobSpec(
    name="k6-0123abcd",
    run="7",
    generators=3,
    script_file="k6-0123abcd.js",
    arguments=("run", "--paused", "--env", "GENERATOR={instance}", "--tag", "instance={instance}"),
    placement=Placement(image="grafana/k6:1.1.0"),
    longest=15_300,
    kept=172_800,
)
FULL = Placement(
    image="mirror.example.com/k6:1",
    cpu_request="500m",
    cpu_limit="2",
    memory_request="256Mi",
    memory_limit="1Gi",
    node_selector={"pool": "load"},
    tolerations=({"key": "load", "operator": "Exists"},),
    service_account="load",
    pull_secrets=("mirror", "other"),
    labels={"team": "shop"},
)
OWNER = {"metadata": {"uid": "5d3f", "name": "k6-0123abcd"}}
LABELS = {
    "app.kubernetes.io/name": "metricvault-k6",
    "app.kubernetes.io/managed-by": "metricvault",
    "app.kubernetes.io/component": "load-generator",
    "metricvault/run": "7",
}
CLOSED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
MOUNTS = [{"name": "scripts", "mountPath": "/scripts", "readOnly": True}, {"name": "scratch", "mountPath": "/tmp"}]
SCRATCH = {"name": "scratch", "emptyDir": {"sizeLimit": "256Mi"}}
CONTAINER = {
    "name": "k6",
    "image": "grafana/k6:1.1.0",
    "imagePullPolicy": "IfNotPresent",
    "args": [
        *("run", "--paused", "--env", "GENERATOR=$(JOB_COMPLETION_INDEX)", "--tag", "instance=$(JOB_COMPLETION_INDEX)"),
        "/scripts/k6-0123abcd.js",
    ],
    "env": [{"name": "HOME", "value": "/tmp"}, {"name": "XDG_CONFIG_HOME", "value": "/tmp"}],
    "envFrom": [{"secretRef": {"name": "k6-0123abcd"}}],
    "ports": [{"name": "api", "containerPort": 6565}, {"name": "dashboard", "containerPort": 5665}],
    "readinessProbe": {
        "httpGet": {"path": "/v1/status", "port": "api"},
        "periodSeconds": 1,
        "timeoutSeconds": 5,
        "failureThreshold": 30,
    },
    "resources": {},
    "securityContext": CLOSED,
    "volumeMounts": MOUNTS,
}
POD = {
    "restartPolicy": "Never",
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "terminationGracePeriodSeconds": 8,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 12345,
        "runAsGroup": 12345,
        "fsGroup": 12345,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "containers": [CONTAINER],
    "volumes": [{"name": "scripts", "configMap": {"name": "k6-0123abcd"}}, SCRATCH],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"metricvault/run": "7"}},
        }
    ],
}
OWNED = {
    "name": "k6-0123abcd",
    "labels": LABELS,
    "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "k6-0123abcd", "uid": "5d3f"}],
}


def job_of(pod: dict[str, Any], labels: dict[str, str] = LABELS) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "k6-0123abcd", "labels": labels},
        "spec": {
            "suspend": True,
            "completionMode": "Indexed",
            "completions": 3,
            "parallelism": 3,
            "backoffLimitPerIndex": 0,
            "backoffLimit": 3,
            "activeDeadlineSeconds": 15_300,
            "ttlSecondsAfterFinished": 172_800,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def pod_of(spec: JobSpec) -> dict[str, Any]:
    found: dict[str, Any] = build_job(spec)["spec"]["template"]["spec"]
    return found


def incompressible(length: int) -> str:
    return random.Random(7).randbytes(length).hex()[:length]


def test_a_job_is_indexed_suspended_and_tries_nothing_twice() -> None:
    assert build_job(PLAIN) == job_of(POD)


def test_a_project_says_where_its_pods_run_and_what_they_may_take() -> None:
    resources = {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
    env = [*CONTAINER["env"], {"name": "GOMEMLIMIT", "value": str(1024**3 * 4 // 5)}]
    pod = {
        **POD,
        "containers": [{**CONTAINER, "image": "mirror.example.com/k6:1", "resources": resources, "env": env}],
        "nodeSelector": {"pool": "load"},
        "tolerations": [{"key": "load", "operator": "Exists"}],
        "serviceAccountName": "load",
        "imagePullSecrets": [{"name": "mirror"}, {"name": "other"}],
    }
    assert build_job(replace(PLAIN, placement=FULL)) == job_of(pod, {"team": "shop", **LABELS})


def test_what_is_not_asked_for_is_left_out_of_the_resources() -> None:
    half = replace(PLAIN, placement=Placement("k6", cpu_request="1", memory_limit="1Gi"))
    expected = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}
    assert pod_of(half)["containers"][0]["resources"] == expected


UNPACKING = 'for file in /scripts/*.gz; do name=${file##*/}; gunzip -c "$file" > "/tmp/${name%.gz}"; done'


def test_a_packed_script_is_unpacked_before_k6_starts() -> None:
    unpack = {
        "name": "unpack",
        "image": "grafana/k6:1.1.0",
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", UNPACKING],
        "resources": {},
        "securityContext": CLOSED,
        "volumeMounts": MOUNTS,
    }
    arguments = [*CONTAINER["args"][:-1], "/tmp/k6-0123abcd.js"]
    pod = {**POD, "containers": [{**CONTAINER, "args": arguments}], "initContainers": [unpack]}
    assert build_job(replace(PLAIN, packed=True)) == job_of(pod)


def test_a_script_on_a_volume_is_mounted_read_only() -> None:
    claim = {"name": "scripts", "persistentVolumeClaim": {"claimName": "k6-scripts", "readOnly": True}}
    assert build_job(replace(PLAIN, volume="k6-scripts")) == job_of({**POD, "volumes": [claim, SCRATCH]})
    # With data it has a folder of its own there: names of data files are not one run's alone.
    container = {**CONTAINER, "args": [*CONTAINER["args"][:-1], "/scripts/k6-0123abcd/k6-0123abcd.js"]}
    pod = {**POD, "containers": [container], "volumes": [claim, SCRATCH]}
    assert build_job(replace(PLAIN, volume="k6-scripts", folder="k6-0123abcd")) == job_of(pod)


def test_the_script_is_in_a_config_map_that_goes_with_the_job() -> None:
    assert build_config(PLAIN, {"k6-0123abcd.js": "export default 1; // 한국어", "users.json": "[]"}, OWNER) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": OWNED,
        "immutable": True,
        "data": {"k6-0123abcd.js": "export default 1; // 한국어", "users.json": "[]"},
    }


def test_a_packed_config_map_holds_the_same_script() -> None:
    found = build_config(replace(PLAIN, packed=True), {"k6-0123abcd.js": "// 한국어", "users.json": "[]"}, OWNER)
    content = found.pop("binaryData")
    assert found == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": OWNED, "immutable": True}
    assert list(content) == ["k6-0123abcd.js.gz", "users.json.gz"]
    assert gzip.decompress(base64.b64decode(content["k6-0123abcd.js.gz"])).decode() == "// 한국어"


def test_the_environment_is_in_a_secret_that_goes_with_the_job() -> None:
    assert build_secret(PLAIN, {"K6_TOKEN": "s3cret"}, OWNER) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": OWNED,
        "immutable": True,
        "stringData": {"K6_TOKEN": "s3cret"},
    }


def test_no_secret_is_in_what_everybody_may_read() -> None:
    arguments, environment = pod_command("7", "http://127.0.0.1:9/ingest/7/write", "s3cret")
    spec = replace(PLAIN, arguments=arguments, placement=FULL)
    assert "s3cret" in json.dumps(build_secret(spec, environment, OWNER))
    for readable in (build_job(spec), build_config(spec, {"a.js": build_script(run_plan())}, OWNER)):
        assert "s3cret" not in json.dumps(readable)


def test_the_same_spec_gives_the_same_objects() -> None:
    spec = replace(PLAIN, placement=FULL, packed=True)
    again = replace(PLAIN, placement=replace(FULL), packed=True)
    assert json.dumps(build_job(spec)) == json.dumps(build_job(again))
    assert build_config(spec, {"a.js": "x" * 5000}, OWNER) == build_config(again, {"a.js": "x" * 5000}, OWNER)


def test_what_is_built_shares_nothing_with_what_was_asked() -> None:
    spec = replace(PLAIN, placement=replace(FULL, labels={"team": "shop"}, node_selector={"pool": "load"}))
    job = build_job(spec)
    job["metadata"]["labels"]["team"] = job["spec"]["template"]["spec"]["nodeSelector"]["pool"] = "changed"
    job["spec"]["template"]["spec"]["tolerations"][0]["key"] = "changed"
    assert build_job(spec) == build_job(replace(PLAIN, placement=FULL))


def test_labels_of_a_project_do_not_take_the_place_of_ours() -> None:
    theirs = {"metricvault/run": "8", "app.kubernetes.io/managed-by": "helm", "team": "shop"}
    job = build_job(replace(PLAIN, placement=replace(PLAIN.placement, labels=theirs)))
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels == {"team": "shop", **LABELS}


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("", "plain"),
        ("x" * MOST_CONFIG, "plain"),
        ("x" * (MOST_CONFIG + 1), "packed"),
        ("한" * (MOST_CONFIG // 3), "plain"),
        ("한" * (MOST_CONFIG // 3 + 1), "packed"),
        (incompressible(1_300_000), "packed"),  # hex of noise: three quarters of it after gzip and base64
        (incompressible(2_000_000), "volume"),
    ],
    ids=["empty", "limit", "over", "korean", "korean over", "noise", "more noise"],
)
def test_a_script_travels_the_simplest_way_that_is_wide_enough(script: str, how: str) -> None:
    assert carrier([script]) == how
    assert carrier([script[: len(script) // 2], script[len(script) // 2 :]]) == how  # all files together


def test_what_travels_packed_is_small_enough_for_the_cluster() -> None:
    packed = build_config(replace(PLAIN, packed=True), {"a.js": incompressible(1_300_000)}, OWNER)
    assert len(json.dumps(packed)) < 1_048_576


@pytest.mark.parametrize(
    ("written", "read"),
    [("2", 2.0), ("500m", 0.5), ("1.5", 1.5), ("250000u", 0.25), ("1500000n", 0.0015), ("0", 0.0), ("", None)],
)
def test_cores_are_read_as_kubernetes_writes_them(written: str, read: float | None) -> None:
    assert cores(written) == (read if read is None else pytest.approx(read))


@pytest.mark.parametrize("written", ["m", "-1", "1Gi", "two", "1 ", "1\n"])
def test_what_is_no_number_of_cores_is_none(written: str) -> None:
    assert cores(written) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [("4096", 4096), ("128Mi", 134_217_728), ("1G", 10**9), ("1.5Gi", 1_610_612_736), ("64Ki", 65_536), ("", None)],
)
def test_sizes_are_read_as_kubernetes_writes_them(written: str, read: int | None) -> None:
    assert size(written) == read


@pytest.mark.parametrize("written", ["Mi", "1m", "-5", "1MB", "lots"])
def test_what_is_no_size_is_none(written: str) -> None:
    assert size(written) is None
