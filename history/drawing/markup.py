"""Elements of SVG as text: numbers short, words escaped, characters that XML forbids left out."""

import re
import unicodedata
from html import escape

# What XML 1.0 does not allow in a document, escaped or not (section 2.2 of the recommendation).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def allowed(words: object) -> str:
    """Words without the characters that no XML document may have."""
    return _FORBIDDEN.sub("\ufffd", str(words))


def text(words: object) -> str:
    """Words as they may stand in an element or an attribute."""
    return escape(allowed(words), quote=True)


def short(value: float) -> str:
    """A coordinate: at most one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, *inside: str, **attributes: object) -> str:
    """`<name attribute="value">inside</name>`. `css` is the class; `_` in a name is a dash; None is left out; `inside`
    is markup."""
    given = ((key.replace("_", "-"), value) for key, value in attributes.items() if value is not None and value != "")
    shown = "".join(
        f' {"class" if key == "css" else key}="{short(value) if isinstance(value, float) else text(value)}"'
        for key, value in given
    )
    body = "".join(inside)
    return f"<{name}{shown}>{body}</{name}>" if body else f"<{name}{shown}/>"


def label(words: str, x: float, y: float, css: str = "", anchor: str = "") -> str:
    """Words at a point; `anchor`: "" (begins there), "middle" or "end"."""
    return element("text", text(words), x=float(x), y=float(y), css=css, text_anchor=anchor)


def root(body: str, width: int, height: int, title: str, desc: str = "", css: str = "", *, links: bool = False) -> str:
    """The picture: `title` names it for screen readers, `desc` says what it shows. `links`: something in it can be
    reached by keyboard, so that it is more than a picture."""
    return element(
        "svg",
        element("title", text(title)) if title else "",
        element("desc", text(desc)) if desc else "",
        body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        css=f"drawn {css}".strip(),
        role=("group" if links else "img") if title else None,
        aria_hidden=None if title else "true",
        font_size="11",
    )


def room(words: str) -> float:
    """About how wide words are at 11 px."""
    return sum(11.0 if unicodedata.east_asian_width(sign) in "WF" else 6.2 for sign in words)


def fitting(words: str, width: float) -> str:
    """The words, cut with … to what is there; "" where not even a few signs fit."""
    if room(words) <= width:
        return words
    kept = ""
    for sign in words:
        if room(kept + sign) + 8 > width:
            break
        kept += sign
    return f"{kept.rstrip()}…" if len(kept) > 2 else ""
