"""Charts as SVG text: what is drawn, that no word gets out of its place, and that the pictures stand alone."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings

from history.drawing import Band, Bar, Line, Mark, Point, Target, bars, heat_chart, line_chart, spark, standalone
from history.drawing.axes import log_ticks, nice, thinned, time_ticks
from history.drawing.style import HEAT, KEYS

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>\" onload='x' & \x00\x0b 한글"


def ms(value: float) -> str:
    return f"{value:g} ms"


def read(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # a picture that is no XML fails here


def paths(svg: str, key: str) -> list[str]:
    return [one.get("d", "") for one in read(svg).iter(f"{SVG}path") if one.get("class") == f"line k-{key}"]


def words(svg: str) -> list[str]:
    return [one.text or "" for one in read(svg).iter(f"{SVG}text")]


def every_picture(name: str) -> dict[str, str]:
    line = Line(name, "p95", [0, 1, 2], [1.0, None, 3.0], points=[Point(2, 3.0, name, "/runs/1/")])
    heat = {"step": 1, "start": 0, "rows": [[1, 2], [2, 4]], "counts": [[1, 0], [5, 9]]}
    return {
        "lines": line_chart(
            [line],
            title=name,
            desc=name,
            form=ms,
            unit=name,
            ticks=[(0, name)],
            targets=[Target(2, name)],
            bands=[Band(0, 2, name)],
            marks=[Mark(1, name)],
        ),
        "heat": heat_chart(heat, title=name, form=ms, count=str, words=name, bands=[Band(0, 2, name)]),
        "bars": bars([Bar(1, 2, 3)], title=name, form=ms, count=str, unit=name, marks=[Mark(1, name)]),
        "spark": spark([1, 2, None], title=name),
    }


@pytest.mark.parametrize("kind", ["lines", "heat", "bars", "spark"])
def test_hostile_words_stay_words(kind: str) -> None:
    svg = every_picture(HOSTILE)[kind]
    assert not [one for one in read(svg).iter() if one.tag == f"{SVG}script" or "onload" in one.attrib]
    assert "한글" in "".join(read(svg).itertext())


@pytest.mark.parametrize("kind", ["lines", "heat", "bars", "spark"])
def test_nothing_in_a_picture_is_forbidden_by_the_content_security_policy(kind: str) -> None:
    svg = every_picture("p95")[kind]
    assert "style" not in svg
    assert not re.search(r"\son\w+=|\sid=", svg)


def test_a_picture_that_stands_alone_has_its_colours_inside_and_asks_nobody() -> None:
    svg = standalone(every_picture("p95")["lines"])
    read(svg)
    assert "<style>" in svg
    assert "var(" not in svg
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]


def test_the_colours_of_a_file_are_those_of_the_pages() -> None:
    css = Path(settings.BASE_DIR, "static/css/tokens.css").read_text(encoding="utf-8")
    tokens = dict(re.findall(r"--([\w-]+):\s*light-dark\((#\w+),", css))
    for key in ("p50", "p95", "p99", "tps", "asked", "err", "vus", "base", "target"):
        assert KEYS[key] == tokens[f"c-{key}"]
    assert HEAT[::2][:5] == tuple(tokens[f"heat-{level}"] for level in range(5))
    assert HEAT[9] == tokens["heat-5"]


def test_a_second_without_a_value_is_a_gap_and_one_alone_is_a_dot() -> None:
    svg = line_chart([Line("", "p95", range(6), [1, 2, None, 4, None, 6])], title="t", form=ms)
    assert paths(svg, "p95")[0].count("M") == 1
    assert sum(one.get("class") == "dot k-p95" for one in read(svg).iter(f"{SVG}circle")) == 2


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_what_is_no_number_is_a_gap(odd: float) -> None:
    svg = line_chart([Line("", "p95", range(4), [1, odd, 2, 3])], title="t", form=ms)
    assert "nan" not in svg
    assert "inf" not in svg.replace("info", "")


@pytest.mark.parametrize("lines", [[], [Line("", "p95", [], [])], [Line("", "p95", [5], [0.0])]])
def test_there_is_a_picture_even_of_nothing(lines: list[Line]) -> None:
    assert read(line_chart(lines, title="t", form=ms)).get("role") == "img"
    read(heat_chart({}, title="t", form=ms, count=str, words=""))
    read(bars([], title="t", form=ms, count=str))
    read(spark([]))


def test_a_point_links_into_this_site_only() -> None:
    addresses = ["/runs/7/", "javascript:alert(1)", "//evil.example.com/", "https://evil.example.com/"]
    points = [Point(at, 1.0, "run", address) for at, address in enumerate(addresses)]
    svg = line_chart([Line("", "p95", range(4), [1.0] * 4, points=points)], title="t", form=ms)
    assert [one.get("href") for one in read(svg).iter(f"{SVG}a")] == ["/runs/7/"]
    assert len(list(read(svg).iter(f"{SVG}circle"))) == 4


@pytest.mark.parametrize("highest", [0.0, 0.03, 1, 7, 12.5, 99, 100.5, 1234, 8_000_001])
def test_an_axis_begins_at_zero_and_has_at_most_five_steps_that_hold_everything(highest: float) -> None:
    top, parts = nice(highest)
    assert top >= highest
    assert parts <= 5
    assert not highest or top <= 2 * highest * 1.26


def test_a_target_far_above_is_an_arrow_and_does_not_flatten_the_curve() -> None:
    line = Line("", "p95", [0, 1], [10.0, 12.0])
    near = line_chart([line], title="t", form=ms, targets=[Target(20, "target 20 ms")])
    far = line_chart([line], title="t", form=ms, targets=[Target(3000, "target 3 s")])
    assert "target 20 ms" in words(near)
    assert "target 3 s ↑" in words(far)
    assert max(float(one.split()[0]) for one in words(far) if one.endswith(" ms")) < 20


def test_a_long_curve_keeps_its_highest_and_lowest_second() -> None:
    ys: list[float | None] = [50.0] * 14_400
    ys[7777], ys[9001] = 900.0, 1.0
    kept = list(thinned(list(enumerate(ys)), 700))
    assert len(kept) <= 4 * 701
    assert {(7777, 900.0), (9001, 1.0), (0, 50.0), (14_399, 50.0)} <= set(kept)


def test_a_long_curve_keeps_its_gaps() -> None:
    ys = [None if 3000 <= t < 3010 else 1.0 for t in range(14_400)]
    assert [x for x, y in thinned(list(enumerate(ys)), 700) if y is None] == list(range(3000, 3010))


def test_times_are_minutes_and_seconds_and_have_room() -> None:
    assert [shown for _t, shown in time_ticks(0, 600, 600)] == [f"{minute:02}:00" for minute in range(11)]
    assert time_ticks(0, 14_400, 600)[-1] == (14_400.0, "4:00:00")


def test_response_times_of_a_heatmap_are_on_a_logarithmic_axis() -> None:
    assert [value for value, _ in log_ticks(10, 1000, ms, 400, 20)] == [10, 20, 50, 100, 200, 500, 1000]
    assert [value for value, _ in log_ticks(10, 100_000, ms, 100, 20)] == [10, 100, 1000, 10_000, 100_000]


def test_every_cell_with_a_request_is_drawn_and_no_other() -> None:
    counts = [[0, 3, 0], [1, 3, 0], [0, 0, 0], [0, 100, 7]]
    svg = heat_chart(
        {"step": 5, "start": 0, "rows": [[1, 2], [2, 4], [4, 8]], "counts": counts},
        title="t",
        form=ms,
        count=lambda value: f"{value:,.0f}",
        words="requests",
    )
    cells = {one.get("class"): one.get("d", "").count("M") for one in read(svg).iter(f"{SVG}path")}
    assert sum(cells.values()) == 4  # the two neighbours with 3 requests are one
    assert cells["c-h9"] == 1  # the darkest is the most
    assert "100 requests" in words(svg)


@pytest.mark.parametrize("rows", [[[0.0, 0.0]], [[0.0, 0.0], [2.0, 3.0]], [[0.0, 2.0], [2.0, 3.0]]])
def test_connections_that_were_refused_took_no_time_and_are_drawn(rows: list[list[float]]) -> None:
    heat = {"step": 1, "start": 0, "rows": rows, "counts": [[3] * len(rows)]}
    svg = heat_chart(heat, title="p95", form=ms, count=str, words="requests")
    (cells,) = [one.get("d", "") for one in read(svg).iter(f"{SVG}path") if (one.get("class") or "").startswith("c-h")]
    assert cells.count("M") == len(rows)
    assert "-" not in cells
