"""Paths to a value within JSON, the plain part of JSONPath (RFC 9535): names and numbers. Pure.

`$.items[0].id`, `items.0.id`, `$['a b'][-1]` (from the end), `$.items[*].id` (any one of them, at random), `$` (all).
"""

import re
from functools import lru_cache

Path = tuple[str | int, ...]

_STEP = re.compile(
    r"""\.?(?:
        \[\s*(?:(?P<number>-?\d{1,9})|(?P<any>\*)|'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*\]
      | (?P<name>[^.\[\]'"\s()?@,:]+)
    )""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^\W\d][\w-]*")
ANY = "*"

# The reasons that `read_path` gives; who shows them translates them.
NO_FILTERS = "Filters and scripts are not known here; write names and numbers, such as $.items[0].id."
NO_SEARCH = "Two dots (anywhere below) are not known here; write the whole path, such as $.items[0].id."
NO_SLICES = "Several values at once are not known here; write one number, or [*] for any one of them."
NOT_CLOSED = "A bracket or a quotation mark is not closed."
NOT_A_PATH = "This is not a path; write names and numbers, such as $.items[0].id."
LONGEST = 1000
TOO_LONG = "This path is too long."


@lru_cache(maxsize=4096)
def read_path(text: str) -> Path:
    """Names and positions from the outermost on; "*" is any one value of a list. ValueError with one of the reasons."""
    text = text.strip()
    if len(text) > LONGEST:
        raise ValueError(TOO_LONG)
    if not text:
        raise ValueError(NOT_A_PATH)
    rest = text[1:] if text.startswith("$") and not _PLAIN.match(text[1:]) else text
    if rest.startswith(".") and rest == text:
        raise ValueError(NOT_A_PATH)
    path: list[str | int] = []
    while rest:
        step = _STEP.match(rest)
        if step is None or (path and step["name"] is not None and not rest.startswith(".")):
            raise ValueError(_reason(rest))
        path.append(_one(step))
        rest = rest[step.end() :]
    return tuple(path)


def write_path(path: Path) -> str:
    """The path as text, which `read_path` reads back to the same."""
    return "$" + "".join(_written(step) for step in path)


def _one(step: re.Match[str]) -> str | int:
    if step["number"] is not None:
        return int(step["number"])
    quoted = step["single"] if step["single"] is not None else step["double"]
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
    name = step["name"] or ANY
    return int(name) if name.isascii() and re.fullmatch(r"-?\d{1,9}", name) else name


def _written(step: str | int) -> str:
    if isinstance(step, int) or step == ANY:
        return f"[{step}]"
    if _PLAIN.fullmatch(step):
        return f".{step}"
    quoted = re.sub(r"(['\\])", r"\\\1", step)
    return f"['{quoted}']"


def _reason(rest: str) -> str:
    if rest.startswith(".."):
        return NO_SEARCH
    if re.match(r"\.?\[\s*[?(]", rest) or rest.startswith((".(", "?", "@")):
        return NO_FILTERS
    if re.match(r"\.?\[[^\]'\"]*[:,]", rest):
        return NO_SLICES
    if re.match(r"\.?\[[^\]]*\Z|\.?\[\s*(['\"])(?:(?!\1).)*\Z", rest):
        return NOT_CLOSED
    return NOT_A_PATH
