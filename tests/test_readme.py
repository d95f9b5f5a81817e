"""README's commands work as they are printed, on a fresh copy."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.product import ROOT, running_product

README = (ROOT / "README.md").read_text(encoding="utf-8")


def curl_calls() -> list[tuple[str, str, dict]]:
    """(method, path, body) of every curl command in README."""
    (block,) = [one for one in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "curl" in one]
    calls = []
    for command in block.replace("\\\n", " ").split("\n\n"):
        words = shlex.split(command)
        assert words[:3] == ["curl", "-X", "POST"]
        path = words[3].removeprefix("http://127.0.0.1:8000")
        assert words[4:6] == ["-H", "Content-Type: application/json"]
        calls.append((words[2], path, json.loads(words[words.index("-d") + 1])))
    return calls


def test_readme_promises_two_commands() -> None:
    assert "\nmake run " in README
    assert "\nmake test " in README


def test_every_link_leads_somewhere() -> None:
    for name in ("README.md", "README.ko.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)", text):
            assert (ROOT / target).exists(), f"{name}: {target}"


@pytest.mark.needs("k6", "redis-server")
def test_the_three_calls_work_as_printed(tmp_path: Path) -> None:
    calls = curl_calls()
    assert [path for _method, path, _body in calls] == ["/project", "/openapi/analyze", "/load-testing"]
    with running_product(tmp_path / "copy", first_run=True) as product:
        answers = []
        for _method, path, body in calls:
            body = json.loads(json.dumps(body).replace("http://127.0.0.1:18000", product.demo_url))
            answers.append(product.api.post(path, json=body))
            assert answers[-1].status_code in {201, 202}, answers[-1].text
        found = product.wait(answers[-1].json()["test_history_id"])
        assert found["status"] == "completed"
        assert found["total_requests"] > 0
