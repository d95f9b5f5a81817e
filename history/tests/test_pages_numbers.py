"""How numbers read, on the server and in the browser alike."""

from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from history.templatetags import numbers
from tests.needs import find

# filter, value, text ("_" stands for the gap that never breaks)
EXAMPLES: list[tuple[str, float | None, str]] = [
    ("count", 1234567, "1,234,567"),
    ("count", 0, "0"),
    ("count", 2.5, "3"),
    ("count", None, "–"),
    ("ms", None, "–"),
    ("ms", 0, "0_ms"),
    ("ms", 0.42, "0.42_ms"),
    ("ms", 0.996, "1.0_ms"),
    ("ms", 3.44, "3.4_ms"),
    ("ms", 9.96, "10_ms"),
    ("ms", 812.4, "812_ms"),
    ("ms", 812.5, "813_ms"),
    ("ms", 999.4, "999_ms"),
    ("ms", 999.5, "1.00_s"),
    ("ms", 1240, "1.24_s"),
    ("ms", 9994, "9.99_s"),
    ("ms", 9996, "10.0_s"),
    ("ms", 99960, "100_s"),
    ("ms", 1_234_567, "1,235_s"),
    ("rate", 0.4, "0.40"),
    ("rate", 139.34, "139.3"),
    ("rate", 999.96, "1,000"),
    ("rate", 12345.6, "12,346"),
    ("tps", 360, "360.0_req/s"),
    ("tps", None, "–"),
    ("percent", 0, "0.00_%"),
    ("percent", 0.001, "<_0.01_%"),
    ("percent", 0.005, "0.01_%"),
    ("percent", 0.125, "0.13_%"),
    ("percent", 1.005, "1.01_%"),
    ("percent", 12.3, "12.30_%"),
    ("percent", 99.999, "100.00_%"),
    ("percent", 100, "100_%"),
    ("clock", 0, "00:00"),
    ("clock", 465.9, "07:45"),
    ("clock", 4065, "1:07:45"),
    ("clock", None, "–"),
    ("seconds", 30, "30_s"),
    ("seconds", 0.5, "0.5_s"),
    ("seconds", 1500, "1,500_s"),
    ("limit", 1, "1_%"),
    ("limit", 0.25, "0.25_%"),
    ("plain", 120.0, "120"),
    ("size", 0, "0_B"),
    ("size", 999.4, "999_B"),
    ("size", 999.5, "1.00_kB"),
    ("size", 12_340, "12.3_kB"),
    ("size", 999_600, "1.00_MB"),
    ("size", 1_840_000_000, "1.84_GB"),
    ("size", 2_500_000_000_000_000, "2,500_TB"),
    ("size", None, "–"),
]


@pytest.mark.parametrize(("name", "value", "text"), EXAMPLES)
def test_the_server_writes_numbers_by_the_rules(name: str, value: float | None, text: str) -> None:
    assert getattr(numbers, name)(value) == text.replace("_", numbers.GAP)


@pytest.mark.needs("chromium")
def test_the_browser_writes_the_same() -> None:
    from playwright.sync_api import sync_playwright

    script = Path(settings.BASE_DIR, "static", "js", "numbers.js").read_text(encoding="utf-8")
    cases = [[name, value] for name, value, _text in EXAMPLES]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        shown = {}
        for language in ("en", "ko"):
            page.set_content(f"<!doctype html><html lang='{language}'><body></body></html>")
            page.add_script_tag(content=script)
            shown[language] = page.evaluate("cases => cases.map(([name, value]) => MV.number[name](value))", cases)
        browser.close()
    for language, texts in shown.items():
        with translation.override(language):
            expected = [getattr(numbers, name)(value) for name, value, _text in EXAMPLES]
        assert dict(zip(map(str, cases), texts, strict=True)) == dict(zip(map(str, cases), expected, strict=True))


@pytest.mark.parametrize(
    ("new", "old", "text"),
    [(118.2, 100, "+18.2_%"), (99.9, 100, "−0.1_%"), (100, 100, "0.0_%"), (1, 0, "–"), (None, 1, "–")],
)
def test_a_change_has_a_true_sign(new: float | None, old: float, text: str) -> None:
    assert numbers.delta(new, old) == text.replace("_", numbers.GAP)


def test_a_change_between_percentages_is_in_points() -> None:
    assert numbers.points(0.14, 0.02) == f"+0.12{numbers.GAP}points"


def test_the_unit_is_set_apart_for_the_eye() -> None:
    assert numbers.units(numbers.ms(812)) == '812<span class="unit">ms</span>'
    assert numbers.units("–") == "–"
    assert numbers.units("<script>") == "&lt;script&gt;"
