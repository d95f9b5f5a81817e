"""What k6's exit code says about a run, in one table.

Codes from k6's errext/exitcodes (v1.1.0); 128 + n where signal n ended it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """`finished`: the run came to its planned end. Otherwise `reason` is a code of `history.reasons.SENTENCES`."""

    finished: bool
    reason: str = ""


PLANNED = Ending(finished=True)
_KILLED = Ending(finished=False, reason="k6_killed")
_SCRIPT = Ending(finished=False, reason="script_error")
_SETUP = Ending(finished=False, reason="setup_failed")
_OTHER = Ending(finished=False, reason="k6_failed")

UNKNOWN = _OTHER  # a code that is not in the table

EXIT_CODES: dict[int | None, Ending] = {
    None: Ending(finished=False, reason="k6_vanished"),
    0: PLANNED,
    99: PLANNED,  # thresholds were crossed: a measured run whose targets are missed, never to be repeated
    100: _SETUP,
    101: _SETUP,
    102: _SETUP,
    103: _KILLED,  # stopped through k6's REST API
    104: _SCRIPT,  # options that k6 does not take
    105: _KILLED,  # SIGTERM or SIGINT; where we sent it the run was stopped, which the caller knows
    106: _OTHER,  # its REST API could not start
    107: _SCRIPT,  # an exception outside of an iteration
    108: _SCRIPT,  # the script ended the test
    109: _OTHER,  # a panic in k6
    110: PLANNED,  # the script marked the run as failed
    129: _KILLED,
    130: _KILLED,
    137: _KILLED,  # SIGKILL: mostly the system, out of memory
    143: _KILLED,  # SIGTERM before k6 listened to it
    255: _OTHER,
}
