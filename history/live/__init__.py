"""Live messages: what a running test tells its page each second. docs/live-events.md describes them."""

from history.live.events import LiveMessage, ScenarioNumbers, Totals
from history.live.feed import advance, announce, finish

__all__ = ["LiveMessage", "ScenarioNumbers", "Totals", "advance", "announce", "finish"]
