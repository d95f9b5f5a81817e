"""Nobody looks for garbage while tests are collected, nor later among what was collected: modules and thousands of
tests, which stay. It would be a seventh of collecting, and a tenth of the tests. While they run it is looked for less
often than Python does by itself. A pytest plugin (pyproject.toml loads it)."""

import gc

import pytest

gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Collected, or not to be collected here (a controller of workers)."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 20)
    gc.enable()
