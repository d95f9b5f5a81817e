"""What became of a request, in words: by status, or by k6's error code where no answer came.

The kinds are those of `TestHistory.answers`: "200", or "0:1212" where k6 gave an error code. Source of the codes: k6's
documentation, "Error codes"; 1400 to 1599 stand for an answer's status and never come without one.
"""

from collections.abc import Mapping
from http import HTTPStatus

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

CHECK = "check"  # a failing request whose answer was well but for a check
_CODES: dict[int, str] = {
    0: N_("no answer"),
    1000: N_("another error"),
    1010: N_("network error"),
    1020: N_("not a valid address"),
    1050: N_("no answer in time"),
    1100: N_("name of the host not resolved"),
    1101: N_("host unknown"),
    1110: N_("address not allowed by k6's options"),
    1111: N_("host not allowed by k6's options"),
    1200: N_("connection error"),
    1201: N_("connection closed while sending"),
    1202: N_("connection error of the operating system"),
    1210: N_("no connection"),
    1211: N_("no connection in time"),
    1212: N_("connection refused"),
    1213: N_("no connection, for an unknown reason"),
    1220: N_("connection reset by the other side"),
    1300: N_("TLS error"),
    1310: N_("certificate of an unknown authority"),
    1311: N_("certificate for another host"),
    1701: N_("answer could not be decompressed"),
}
# First code of a range to its words: the codes in it name details of HTTP/2 (RFC 9113, section 7).
_RANGES: tuple[tuple[int, str], ...] = (
    (1650, N_("HTTP/2 connection error")),
    (1630, N_("HTTP/2 stream error")),
    (1610, N_("HTTP/2: the other side is going away")),
    (1600, N_("HTTP/2 error")),
    (1300, N_("TLS error")),
    (1200, N_("connection error")),
    (1100, N_("name of the host not resolved")),
)


def words(kind: str) -> str:
    """`"503"` → "Service Unavailable"; `"0:1212"` → "connection refused"; "" for a status that has no name."""
    if kind == CHECK:
        return _("a check failed")
    status, _colon, code = kind.partition(":")
    if status != "0":
        return HTTPStatus(int(status)).phrase if status.isdecimal() and int(status) in _STATUSES else ""
    number = int(code) if code.isdecimal() else 0
    said = _CODES.get(number, "")
    if said:
        return _(said)
    return next((_(said) for first, said in _RANGES if first <= number < 1700), _("another error"))


def shown(kind: str) -> str:
    """What stands for the kind in a narrow column: the status, or k6's code where there is none."""
    status, _colon, code = kind.partition(":")
    return code or ("–" if status in {"0", CHECK} else status)


def is_failure(kind: str) -> bool:
    """Whether an answer of this kind is one that k6 takes for failed unless it was told otherwise."""
    status = kind.partition(":")[0]
    return not (status.isdecimal() and 200 <= int(status) < 400)


def vocabulary() -> Mapping[str, str]:
    """Words for every kind that a browser may have to name while a run lasts."""
    codes = {f"0:{code}" if code else "0": _(said) for code, said in _CODES.items()}
    return {**codes, **{str(one): HTTPStatus(one).phrase for one in sorted(_STATUSES)}}


_STATUSES = frozenset(int(one) for one in HTTPStatus)
