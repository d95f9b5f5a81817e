"""Everything pytest does happens above one frame that is large enough for what its callers need.

Python keeps the frames of a thread in chunks of 16 kB. It returns a chunk to the system as soon as it is empty: where
calls cross the end of one, each of them asks the system for memory and gives it back, which was a quarter of the CPU of
the tests (https://github.com/python/cpython/issues/142183, mended in Python 3.13 and later). A frame that fits into no
chunk gets one of twice its size, and what is called from it has the other half. A pytest plugin (pyproject.toml loads
it).
"""

from collections.abc import Callable
from typing import Any

import pytest

_WORDS = 2**16  # of 8 bytes; only those that are written to become memory


def _plain(function: Callable[..., Any], told: dict[str, Any]) -> Any:
    return function(**told)


# A little more than a power of two, so that the chunk becomes twice as large.
_with_room = type(_plain)(_plain.__code__.replace(co_stacksize=_WORDS + 100), globals())


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Any:
    manager = config.pluginmanager
    others = manager.subset_hook_caller("pytest_cmdline_main", [manager.get_plugin(__name__)])
    return _with_room(others, {"config": config})
