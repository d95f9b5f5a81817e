"""deploy/kubernetes holds together: the same without a cluster, and before a real API server."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from history.reasons import SENTENCES

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(FOLDER.rglob("*.yaml"))
# Where a variable is none of ours: what the servers' own images read.
SERVERS = ("redis", "postgres", "influxdb")
ASKS_THE_CLUSTER = {"metricvault-web", "metricvault-worker"}


@functools.cache  # every test looks through all of them, and reading YAML is slow
def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def everything(kind: str) -> Iterator[dict[str, Any]]:
    for path in FILES:
        yield from (one for one in documents(path) if one.get("kind") == kind)


def workloads() -> list[dict[str, Any]]:
    return [*everything("Deployment"), *everything("StatefulSet")]


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    spec = workload["spec"]["template"]["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def names(workloads: list[dict[str, Any]]) -> list[str]:
    return [str(one["metadata"]["name"]) for one in workloads]


def settings() -> dict[str, str]:
    """NAME: value of all ConfigMaps, base and overlays."""
    lines = (FOLDER / "base" / "settings.env").read_text(encoding="utf-8").split()
    for made in (*everything("Kustomization"), *everything("Component")):
        lines += [line for one in made.get("configMapGenerator", []) for line in one.get("literals", [])]
    return dict(line.split("=", 1) for line in lines)


def test_every_file_is_whole_and_named_by_a_kustomization() -> None:
    used = {path for path in FILES if path.name == "kustomization.yaml"} | {FOLDER / "secret.example.yaml"}
    for path in list(used):
        for one in documents(path):
            used |= {path.parent / name for name in one.get("resources", []) if name.endswith(".yaml")}
    assert used == set(FILES)
    assert all(one.get("apiVersion") and one.get("kind") for path in FILES for one in documents(path))


def test_every_variable_is_a_setting() -> None:
    known = (ROOT / "metricvault" / "settings.py").read_text(encoding="utf-8")
    (ours, _servers) = everything("Secret")
    asked = {*settings(), *ours["stringData"]}
    asked |= {
        env["name"]
        for one in workloads()
        if one["metadata"]["name"] not in SERVERS
        for box in containers(one)
        for env in box.get("env", [])
    }
    assert [name for name in sorted(asked) if f'"{name}"' not in known] == []


def test_every_image_is_pinned() -> None:
    used = {box["image"] for one in workloads() for box in containers(one)}
    own = {box["image"] for path in (FOLDER / "base").glob("*.yaml") for box in _boxes(path)}
    overlays = [one for one in everything("Kustomization") if "images" in one]
    assert len(overlays) == 2
    pinned = [{image["name"]: str(image["newTag"]) for image in one["images"]} for one in overlays]
    assert {name for tags in pinned for name in tags} == used
    assert all(own <= set(tags) for tags in pinned)
    assert all(re.fullmatch(r"\d+(\.\d+)*", tag) for tags in pinned for tag in tags.values())
    assert re.search(r":\d+\.\d+\.\d+$", settings()["METRICVAULT_K6_IMAGE"])


def _boxes(path: Path) -> list[dict[str, Any]]:
    return [box for one in documents(path) if one["kind"] in ("Deployment", "StatefulSet") for box in containers(one)]


def test_no_secret_is_written_down() -> None:
    for secret in everything("Secret"):
        assert all("<" in value for value in secret["stringData"].values())
    assert {path.name for path in FILES if any(one["kind"] == "Secret" for one in documents(path))} == {
        "secret.example.yaml"
    }
    plain = [env for one in workloads() for box in containers(one) for env in box.get("env", []) if "value" in env]
    assert not [env["name"] for env in plain if re.search("PASSWORD|SECRET|TOKEN|AUTH|URL", env["name"])]
    assert not [name for name in settings() if re.search("PASSWORD|SECRET_KEY|TOKEN|DATABASE_URL|REDIS_URL", name)]


def test_every_pod_is_restricted_and_says_what_it_takes() -> None:
    for one in workloads():
        spec = one["spec"]["template"]["spec"]
        person = spec["securityContext"]
        assert person["runAsNonRoot"] is True
        assert person["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["enableServiceLinks"] is False, "a Service called influxdb would set INFLUXDB_PORT"
        for box in containers(one):
            assert box["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(box["resources"]["requests"])
            assert "memory" in box["resources"]["limits"]


def test_only_web_and_worker_get_a_token_of_the_cluster() -> None:
    held = {
        one["spec"]["template"]["spec"]["serviceAccountName"]
        for one in workloads()
        if one["spec"]["template"]["spec"]["automountServiceAccountToken"]
    }
    assert held == ASKS_THE_CLUSTER
    assert all(one["automountServiceAccountToken"] is False for one in everything("ServiceAccount"))


def test_there_is_exactly_one_beat_and_it_alone_changes_tables() -> None:
    (beat,) = [one for one in workloads() if one["metadata"]["name"] == "beat"]
    assert (beat["spec"]["replicas"], beat["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert [name for name in names(workloads()) for box in _named(name) if box["args"] == ["prepare"]] == ["beat"]
    replicas = [one["name"] for made in everything("Kustomization") for one in made.get("replicas", [])]
    assert "beat" not in replicas


def _named(name: str) -> list[dict[str, Any]]:
    return [box for one in workloads() if one["metadata"]["name"] == name for box in containers(one) if "args" in box]


def test_web_is_asked_whether_it_lives_not_whether_everything_does() -> None:
    """Else all web pods would leave their Service with Redis, and k6's numbers with them."""
    (web,) = [box for box in _named("web") if box["name"] == "web"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = web[probe]["httpGet"]
        assert asked["path"] == "/healthz"
        assert {one["name"]: one["value"] for one in asked["httpHeaders"]}["Host"] in settings()["ALLOWED_HOSTS"]


def test_nobody_is_spoken_to_unless_a_rule_says_so() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in everything("NetworkPolicy")}
    assert policies["nobody-by-default"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    into_redis = [one["podSelector"]["matchLabels"] for one in policies["redis"]["ingress"][0]["from"]]
    assert into_redis == [{"app.kubernetes.io/name": "metricvault"}]
    named = {one["metadata"]["labels"]["app.kubernetes.io/name"] for one in workloads()}
    for spec in policies.values():
        wanted = spec["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        assert wanted in {None, "metricvault-k6", *named}


def test_live_pages_pass_the_ingress_as_they_come() -> None:
    (ingress,) = everything("Ingress")
    notes = ingress["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    assert int(notes["nginx.ingress.kubernetes.io/proxy-read-timeout"]) >= 3600


def guide() -> str:
    return (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")


def test_the_guide_has_every_setting_of_pods() -> None:
    source = (ROOT / "metricvault" / "settings.py").read_text(encoding="utf-8")
    known = set(re.findall(r'"(METRICVAULT_POD_\w+|METRICVAULT_MAX_PODS|METRICVAULT_K6_IMAGE|KUBE\w+)"', source))
    assert known
    assert known - set(re.findall(r"`([A-Z0-9_]+)`", guide())) == set()


def test_the_guide_says_what_the_pages_say() -> None:
    own = [code for code in SENTENCES if code.startswith(("pod_", "cluster_", "generator_", "summaries_"))]
    assert len(own) > 10
    for code in own:
        parts = re.split(r"%\(\w+\)s", SENTENCES[code].partition(". ")[0])
        longest = max(parts, key=len).rstrip(".")
        assert longest in guide(), code
