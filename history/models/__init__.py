"""What was run and measured. Columns carry the ERD's names; a run is a TestHistory row from its first second.

Units everywhere: response times in milliseconds, TPS in requests per second, error rates in percent
(0 to 100), durations in seconds. NULL means not measured, never 0.
"""

from history.models.kept import BlockHistory, FailedRequest, K6Report, MetricSnapshot, TimelineHistory
from history.models.measured import Iterated, Measured
from history.models.notes import Baseline, RunLabel, RunNote
from history.models.parts import Kind, PhaseHistory, ScenarioHistory, StageHistory, StepHistory
from history.models.run import TestHistory, make_token

__all__ = [
    "Baseline",
    "BlockHistory",
    "FailedRequest",
    "Iterated",
    "K6Report",
    "Kind",
    "Measured",
    "MetricSnapshot",
    "PhaseHistory",
    "RunLabel",
    "RunNote",
    "ScenarioHistory",
    "StageHistory",
    "StepHistory",
    "TestHistory",
    "TimelineHistory",
    "make_token",
]
