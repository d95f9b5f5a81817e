"""A curve as small as a word."""

from collections.abc import Sequence

from history.drawing.axes import Frame
from history.drawing.lines import Line, draw_curve
from history.drawing.markup import element, root


def spark(
    values: Sequence[float | None],
    *,
    title: str = "",
    key: str = "p95",
    target: float | None = None,
    width: int = 96,
    height: int = 22,
) -> str:
    """An SVG without axes; hidden from screen readers where it has no title. `target`: a dotted line, where it is in
    reach."""
    known = [value for value in values if value is not None]
    highest = max(known, default=0.0)
    near = target is not None and target < 4 * highest
    top = max(highest, (target or 0.0) if near else 0.0) * 1.1 or 1.0
    frame = Frame(1, 2, width - 3, height - 2, 0, max(len(values) - 1, 1), top)
    goal = ""
    if near and target is not None:
        across = {"x1": frame.left, "x2": frame.right, "y1": frame.y(target), "y2": frame.y(target)}
        goal = element("line", css="line k-target", stroke_dasharray="2 3", **across)
    line = draw_curve(frame, Line("", key, range(len(values)), values, stroke=1.5))
    last = next((at for at in range(len(values) - 1, -1, -1) if values[at] is not None), None)
    dot = (
        ""
        if last is None
        else element("circle", cx=frame.x(last), cy=frame.y(values[last] or 0), r="2", css=f"dot k-{key}")
    )
    return root(goal + line + dot, width, height, title, css="spark-drawn")
