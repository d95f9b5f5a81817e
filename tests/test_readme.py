"""What README promises. That its calls work as they are printed is tried on the fresh copy of test_make_run.py."""

import json
import re
import shlex
from typing import Any

from tests.product import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def curl_calls() -> list[tuple[str, str, dict[str, Any]]]:
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
