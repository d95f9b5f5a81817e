"""Makes the message catalogues that are missing or older than their texts, so that a bare `pytest` speaks Korean, too.

A pytest plugin (pyproject.toml loads it).
"""

import pytest

from metricvault.catalogues import compile_catalogues, outdated


def pytest_configure(config: pytest.Config) -> None:
    compile_catalogues(outdated())
