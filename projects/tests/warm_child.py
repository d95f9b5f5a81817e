"""A stand-in for the start of `projects.child`: it forks from a process that has imported the validator, for to import
it is most of what the validation of a small document costs. From the bounds on all is as in the product.

test_validation.py and the tests of the whole product start it as the product does, too.
"""

import importlib
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.reduction import DupFd
from typing import IO, Any

from projects.child import Limits, bound

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["projects.validation_child"])


def run_child(
    module: str, limits: Limits, question: IO[bytes], answer: IO[bytes], meanwhile: Callable[[], None] | None = None
) -> int:
    """As `projects.child.run_child`; `meanwhile` is called once."""
    files = DupFd(question.fileno()), DupFd(answer.fileno())
    process = _FORKS.Process(target=_begin, args=(module, limits, *files))
    process.start()
    if meanwhile:
        meanwhile()
    process.join(limits.seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode or 0


def _begin(module: str, limits: Limits, question: Any, answer: Any) -> None:
    sys.stdin, sys.stdout = os.fdopen(question.detach()), os.fdopen(answer.detach(), "w")
    os.setsid()
    bound(limits.memory, limits.cpu_seconds, limits.niceness, os.getppid())
    try:
        importlib.import_module(module).main()
    finally:
        sys.stdout.flush()
