"""The gate for builds (docs/ci.md): the script and the snippets of the three CIs as far as a shell can run them."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.product import Product

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "ci"
GATE = FOLDER / "gate.sh"


def load_test(product: Product, target: float, seconds: float = 2, users: int = 2) -> dict[str, Any]:
    endpoints = product.imported_demo("Gate")
    scenario = {
        "name": "Products",
        "endpoint_id": endpoints["GET /products"]["id"],
        "executor": "constant-vus",
        "think_time": 0.05,
        "stages": [{"duration": seconds, "target": users}],
        "response_time_target": target,
    }
    return {"title": "Gate", "scenarios": [scenario]}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project that keeps the gate in its folder `ci`, as docs/ci.md says."""
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "gate.sh").write_text(GATE.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def environ(product: Product, **more: str) -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "METRICVAULT_URL": f"{product.url}/", **more}


def gate(checkout: Path, product: Product, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    command = ["sh", "ci/gate.sh", *arguments]
    env = environ(product, **more)
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False, timeout=90)


def test_a_passed_run_ends_with_zero_and_leaves_its_files(product: Product, checkout: Path) -> None:
    (checkout / "load-test.json").write_text(json.dumps(load_test(product, 5000)), encoding="utf-8")
    files = {"METRICVAULT_JUNIT": "result.xml", "METRICVAULT_REPORT": "report.html"}
    done = gate(checkout, product, "load-test.json", **files)
    assert done.returncode == 0, done.stdout + done.stderr
    run, verdict = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    assert re.fullmatch(rf"Run \d+: {re.escape(product.url)}/runs/\d+/", run)
    assert verdict.startswith("Passed")
    suite = ElementTree.parse(checkout / "result.xml").getroot()
    assert suite.find(".//testcase") is not None
    assert suite.find(".//failure") is None
    assert (checkout / "report.html").read_text(encoding="utf-8").lstrip().startswith("<!")


def test_a_missed_target_ends_with_one_and_says_so(product: Product, checkout: Path) -> None:
    (checkout / "load-test.json").write_text(json.dumps(load_test(product, 0.001)), encoding="utf-8")
    done = gate(checkout, product, "load-test.json", METRICVAULT_JUNIT="result.xml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "missed" in done.stdout.splitlines()[-1]
    assert ElementTree.parse(checkout / "result.xml").getroot().find(".//failure") is not None


def test_a_saved_plan_is_run_by_its_number(product: Product, checkout: Path) -> None:
    run = product.start(**load_test(product, 5000, seconds=1))
    product.wait(run)
    plan = product.api.post(f"/test-history/{run}/plan").json()["id"]
    done = gate(checkout, product, "plan", str(plan))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_build_that_is_cancelled_stops_its_run(product: Product, checkout: Path) -> None:
    (checkout / "load-test.json").write_text(json.dumps(load_test(product, 5000, seconds=120)), encoding="utf-8")
    with subprocess.Popen(
        ["sh", "ci/gate.sh", "load-test.json"],
        cwd=checkout,
        env=environ(product),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as build:
        assert build.stdout is not None
        run = int(build.stdout.readline().split(":")[0].removeprefix("Run "))
        product.wait(run, lambda one: one["status"] == "running")
        os.killpg(build.pid, signal.SIGTERM)  # as CIs do: the shell and its curl
        assert build.wait(30) == 4
    assert product.wait(run)["status"] == "stopped"


def test_refusals_are_shown_with_their_sentence(product: Product, checkout: Path) -> None:
    (checkout / "load-test.json").write_text('{"title": "", "scenarios": []}', encoding="utf-8")
    done = gate(checkout, product, "load-test.json")
    assert done.returncode == 69
    assert '"field": "title"' in done.stderr or '"field":"title"' in done.stderr


@pytest.mark.parametrize("arguments", [(), ("no-such-file.json",)])
def test_a_wrong_call_says_how_it_is_called(checkout: Path, arguments: tuple[str, ...]) -> None:
    env = {"PATH": os.environ["PATH"], "METRICVAULT_URL": "http://127.0.0.1:9"}
    command = ["sh", "ci/gate.sh", *arguments]
    done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "gate.sh" in done.stderr or "no-such-file.json" in done.stderr


@pytest.mark.parametrize(("patience", "code"), [("30", 0), ("15", 69), ("", 69)])
def test_a_server_with_enough_runs_under_way_is_tried_again(checkout: Path, patience: str, code: int) -> None:
    """A fake server refuses two times; a fake `sleep` takes no time."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.command)
            busy = asked.count("POST") < 3
            answer: dict[str, Any] = {"test_history_id": 7, "verdict": "Passed", "exit_code": 0}
            if busy:
                answer = {"error": {"code": "too_many", "message": "20 runs may go on here at a time.", "details": []}}
            text = json.dumps(answer).encode()
            self.send_response(429 if busy else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    (checkout / "sleep").write_text("#!/bin/sh\n", encoding="utf-8")
    (checkout / "sleep").chmod(0o755)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        env = {"PATH": f"{checkout}:{os.environ['PATH']}", "METRICVAULT_URL": url, "METRICVAULT_PATIENCE": patience}
        command = ["sh", "ci/gate.sh", "plan", "1"]
        done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False, timeout=30)
        server.shutdown()
    assert done.returncode == code, done.stderr
    assert "20 runs may go on here at a time." in done.stderr
    assert asked == {"30": ["POST", "POST", "POST", "GET"], "15": ["POST", "POST"], "": ["POST"]}[patience]


def test_a_server_that_is_away_is_told(checkout: Path) -> None:
    (checkout / "load-test.json").write_text("{}", encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "METRICVAULT_URL": "http://127.0.0.1:9"}
    command = ["sh", "ci/gate.sh", "load-test.json"]
    done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 69


def steps() -> dict[str, tuple[list[str], dict[str, str]]]:
    """By CI, its command lines and the variables it sets: what a shell gets to run."""
    actions = yaml.safe_load((FOLDER / "github-actions.yml").read_text(encoding="utf-8"))
    (step,) = (one for one in actions["jobs"]["load-test"]["steps"] if "run" in one)
    job = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text(encoding="utf-8"))["load test"]
    jenkins = (FOLDER / "Jenkinsfile").read_text(encoding="utf-8")
    variables = dict(re.findall(r"^ +(METRICVAULT_\w+) = '(.*)'$", jenkins, re.M))
    return {
        "GitHub Actions": ([step["run"]], step["env"]),
        "GitLab CI": (job["script"], job["variables"]),
        "Jenkins": (re.findall(r"sh\(script: '(.*?)'", jenkins), variables),
    }


def test_what_the_three_cis_run_ends_with_the_verdict(product: Product, checkout: Path) -> None:
    (checkout / "ci" / "load-test.json").write_text(json.dumps(load_test(product, 5000, seconds=1)), encoding="utf-8")
    builds = {}
    for name, (lines, variables) in steps().items():
        shutil.copytree(checkout / "ci", checkout / name / "ci")
        own = {key: value for key, value in variables.items() if key not in {"METRICVAULT_URL", "METRICVAULT_TOKEN"}}
        builds[name] = subprocess.Popen(
            ["sh", "-e", "-c", "\n".join(lines)],
            cwd=checkout / name,
            env=environ(product, **own),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    for name, build in builds.items():
        said, _nothing = build.communicate(timeout=90)
        assert build.returncode == 0, f"{name}: {said}"
        assert (checkout / name / "result.xml").exists(), name


def test_the_page_shows_the_files_as_they_are() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    for name in ("github-actions.yml", "gitlab-ci.yml", "Jenkinsfile"):
        assert f"```\n{(FOLDER / name).read_text(encoding='utf-8')}```".removeprefix("```\n") in page, name
