"""What `make audit` makes of what its tools say. Silence of a tool that could not look is no clean bill."""

import json

from tests import auditing
from tests.auditing import Looked, read_npm_audit, read_pip_audit


def test_a_hole_is_named_with_the_version_that_mends_it() -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
    packages = [{"name": "a", "version": "1.0", "vulns": [hole]}, {"name": "b", "version": "1.0", "vulns": []}]
    assert read_pip_audit("f", packages) == Looked("f", 2, ["a 1.0: PYSEC-1, mended in 2.0"])


def test_packages_that_the_database_does_not_know_were_not_looked_at() -> None:
    packages = [{"name": "a", "skip_reason": "Dependency not found"}, {"name": "b", "version": "1", "vulns": []}]
    looked = read_pip_audit("f", packages)
    assert (looked.count, looked.found) == (1, [])
    assert looked.unseen == "1 not (Dependency not found …)"


def test_npm_says_what_it_found_or_that_it_could_not_look() -> None:
    said = {"vulnerabilities": {"a": {"severity": "high", "range": "<2"}}, "metadata": {"dependencies": {"total": 3}}}
    assert read_npm_audit(json.dumps(said), "") == Looked("package-lock.json", 3, ["a <2: high"])
    refused = read_npm_audit(json.dumps({"error": {"code": "405"}}), "npm error 405")
    assert (refused.found, refused.unseen) == ([], "npm error 405")


def test_not_all_looked_at_is_no_success(monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("sys.argv", ["auditing"])
    monkeypatch.setattr(auditing, "bandit", lambda: Looked("code", 9, []))
    monkeypatch.setattr(auditing, "pip_audit", lambda name: Looked(name, 0, [], "no network"))
    monkeypatch.setattr(auditing, "npm_audit", lambda: Looked("npm", 3, []))
    assert auditing.main() == auditing.NOT_ALL
    assert "NOT LOOKED AT  requirements.txt" in capsys.readouterr().out
    monkeypatch.setattr(auditing, "npm_audit", lambda: Looked("npm", 3, ["a: high"]))
    assert auditing.main() == auditing.FOUND
