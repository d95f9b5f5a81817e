"""What a load should reach, and which of k6's executors makes it. Pure."""

from loadtests.k6.plan import CONSTANT, CONSTANT_RATE, LEVEL, PER_VU, RAMPING, RAMPING_RATE, SHARED

RATE, USERS, ITERATIONS = "rate", "users", "iterations"
LINES, LEVELS, TOGETHER, EACH = "lines", "levels", "shared", "each"
_EXECUTORS: dict[tuple[str, str], str] = {
    (RATE, LINES): RAMPING_RATE,
    (RATE, LEVELS): CONSTANT_RATE,
    (USERS, LINES): RAMPING,
    (USERS, LEVELS): CONSTANT,
    (ITERATIONS, TOGETHER): SHARED,
    (ITERATIONS, EACH): PER_VU,
}
_ASKED = {executor: words for words, executor in _EXECUTORS.items()}


def asked_by(executor: str) -> tuple[str, str]:
    """The goal and the way that an executor stands for."""
    return _ASKED.get(executor, (USERS, LEVELS))


def executor_of(goal: str, way: str, now: str) -> str:
    """k6's executor for what a person chose; `now` where that says nothing. Where the way is none of the goal, it is
    taken over from the executor of now as far as it goes."""
    if (goal, way) in _EXECUTORS:
        return _EXECUTORS[goal, way]
    if goal == ITERATIONS:
        return SHARED
    return _EXECUTORS.get((goal, LEVELS if now in LEVEL else LINES), now)
