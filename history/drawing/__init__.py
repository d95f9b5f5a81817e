"""Charts as SVG text. Pure: numbers and words in, markup out; every word is escaped, nothing has a style or an id.

Colours are classes (static/css/drawing.css); `standalone` puts light ones into the file itself. The caller gives the
words in the reader's language and the formatters of `history.templatetags.numbers`.

Keys for `Line.key`, `Mark.key`: p50 p90 p95 p99 tps asked err vus base target checks sent received, and run1 to run5.
"""

from history.drawing.bars import Bar, bars
from history.drawing.heat import heat_chart, levels
from history.drawing.lines import Band, Line, Mark, Point, Target, line_chart
from history.drawing.spark import spark
from history.drawing.style import LIGHT, standalone

__all__ = [
    "LIGHT",
    "Band",
    "Bar",
    "Line",
    "Mark",
    "Point",
    "Target",
    "bars",
    "heat_chart",
    "levels",
    "line_chart",
    "spark",
    "standalone",
]
