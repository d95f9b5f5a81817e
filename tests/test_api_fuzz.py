"""Schemathesis against the API's own document: no crash, no undocumented status, answers as described."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.product import running_product

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Live streams do not end; an import reads addresses, and 502 is its honest answer where one does not exist.
LEFT_OUT = ("--exclude-path", "/sse/k6-data", "--exclude-path", "/openapi/analyze")


@pytest.mark.needs("redis-server")
def test_nothing_crashes_and_every_answer_is_as_described(tmp_path: Path) -> None:
    limits = {"METRICVAULT_MAX_VUS": "2", "SCHEDULER_JOB_TIMEOUT_HOURS": "0.001"}  # whatever it starts is small
    with running_product(tmp_path / "copy", **limits) as product:
        product.imported_demo("Fuzz")
        st = Path(sys.executable).with_name("st")
        place = ("--url", product.url, f"{product.url}/api/openapi.json")
        how = (
            "--checks",
            CHECKS,
            "--phases",
            "coverage,fuzzing",
            "--max-examples",
            "8",
            "--seed",
            "7",
            "--generation-database",
            "none",
        )
        done = subprocess.run(
            [str(st), "run", *how, *LEFT_OUT, *place], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert "passed" in done.stdout
