"""How numbers read, in one place; static/js/numbers.js says the same in the browser (a test compares them).

Rules: `1,234` · `812 ms` · `1.24 s` from 1,000 ms · `0.42 %` · `07:45` · `−0.1 %` with a true minus ·
`+0.12 points` between two percentages · `–` where nothing was measured. The gap before a unit never breaks.
"""

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()

NOTHING = "–"
GAP = "\u00a0"
Number = float | int | Decimal | None


def _fixed(value: Number, digits: int) -> str:
    """Halves go up, on the shortest decimal the float reads back from: as JavaScript's Intl does."""
    exact = Decimal(str(value or 0)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return number_format(exact, digits, use_l10n=True, force_grouping=True)


@register.filter
def ms(value: Number) -> str:
    """Response time, given in milliseconds."""
    if value is None:
        return NOTHING
    if value >= 999.5:
        seconds = float(value) / 1000
        return f"{_fixed(seconds, 2 if seconds < 9.995 else 1 if seconds < 99.95 else 0)}{GAP}s"
    return f"{_fixed(value, 2 if 0 < value < 0.995 else 1 if 0 < value < 9.95 else 0)}{GAP}ms"


@register.filter
def rate(value: Number) -> str:
    """Requests per second without the unit, for columns that name it in their head."""
    if value is None:
        return NOTHING
    return _fixed(value, 2 if 0 < value < 0.995 else 1 if value < 999.95 else 0)


@register.filter
def tps(value: Number) -> str:
    """Requests per second."""
    return NOTHING if value is None else f"{rate(value)}{GAP}req/s"


@register.filter
def percent(value: Number) -> str:
    """A percentage, given as 0–100. What is not zero never reads as zero, nor what is not all as all."""
    if value is None:
        return NOTHING
    if 0 < value < 0.005:
        return f"<{GAP}{_fixed(0.01, 2)}{GAP}%"
    return f"{_fixed(value, 0 if value == 100 else 2)}{GAP}%"


@register.filter
def count(value: Number) -> str:
    """A whole number, grouped."""
    return NOTHING if value is None else _fixed(value, 0)


@register.filter
def clock(value: Number) -> str:
    """Seconds as `07:45`, or `1:07:45` from an hour on."""
    if value is None:
        return NOTHING
    minutes, second = divmod(int(value), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


@register.filter
def size(value: Number) -> str:
    """Bytes, in powers of ten: `812 B`, `1.84 GB`."""
    if value is None:
        return NOTHING
    shown, unit = float(value), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if shown < 999.5 or unit == "TB":
            break
        shown /= 1000
    return f"{_fixed(shown, 0 if unit == 'B' else 2 if shown < 9.995 else 1 if shown < 99.95 else 0)}{GAP}{unit}"


@register.filter
def plain(value: Number) -> str:
    """A number as a person wrote it, a target or a duration: at most two digits after the point, no empty ones."""
    if value is None:
        return NOTHING
    exact = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP).normalize()
    return _fixed(exact, max(0, -int(exact.as_tuple().exponent)))


@register.filter
def seconds(value: Number) -> str:
    """A duration: `30 s`, `0.5 s`."""
    return NOTHING if value is None else f"{plain(value)}{GAP}s"


@register.filter
def limit(value: Number) -> str:
    """A limit in percent as a person wrote it: `1 %`."""
    return NOTHING if value is None else f"{plain(value)}{GAP}%"


@register.filter
def delta(new: Number, old: Number) -> str:
    """Relative change from old to new: `+18.2 %`, `−0.1 %`."""
    if new is None or not old:
        return NOTHING
    return f"{_signed((float(new) - float(old)) / float(old) * 100, 1)}{GAP}%"


@register.filter
def points(new: Number, old: Number) -> str:
    """Change between two percentages: `+0.12 points`."""
    if new is None or old is None:
        return NOTHING
    unit = _("points")
    return f"{_signed(float(new) - float(old), 2)}{GAP}{unit}"


def apart(by: float, unit: str) -> str:
    """How far a value is from another, with its sign and as many digits as tell it from none: `+60 %`, `−1.3 %`,
    `+0.04 points`."""
    return f"{_signed(by, 0 if abs(by) >= 9.95 else 1 if abs(by) >= 0.95 else 2)}{GAP}{unit}"


def _signed(value: float, digits: int) -> str:
    shown = _fixed(abs(value), digits)
    zero = not any(digit in shown for digit in "123456789")
    return shown if zero else f"{'+' if value > 0 else '−'}{shown}"


@register.filter
def units(text: str) -> SafeString:
    """Set the unit of a formatted number apart: `812 ms` → `812<span class="unit">ms</span>`."""
    number, gap, unit = str(text).rpartition(GAP)
    return format_html('{}<span class="unit">{}</span>', number, unit) if gap else format_html("{}", text)


@register.filter
def tile(text: str) -> SafeString:
    """A formatted number as the big value of a stat tile, its unit small beside it."""
    number, gap, unit = str(text).rpartition(GAP)
    if not gap:
        number = str(text)
    return format_html('<span class="value">{}</span><span class="unit">{}</span>', number, unit if gap else "")
