"""The house rules that no linter knows (CONTRIBUTING.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("metricvault", "projects", "history", "loadtests", "demo", "tests", "bench")
LONGEST_FUNCTION, LONGEST_FILE, LONGEST_TEMPLATE = 50, 400, 150
# 400 until there were a heatmap, spans that are chosen on a chart, stretches of long runs, and pictures of charts.
ALL_JAVASCRIPT = 520
PINNED = ["requirements.txt", "requirements-dev.txt", "requirements-node.txt"]
NAMELESS = {"utils", "util", "helpers", "helper", "services", "service", "manager", "managers", "common", "misc"}


def files(pattern: str, *folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob(pattern))


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function. They are statements, so nobody looks into expressions."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        found = getattr(node, name, [])
        for inner in found if isinstance(found, list) else []:
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield inner.name, (inner.end_lineno or inner.lineno) - inner.lineno + 1
            yield from functions(inner)


PYTHON = [path for path in files("*.py", *ROOMS) if "migrations" not in path.parts]


def test_no_function_is_longer_than_50_lines() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PYTHON if lines(path) > LONGEST_FUNCTION}
    found = ((path.relative_to(ROOT), functions(ast.parse(text))) for path, text in texts.items())
    sizes = {f"{path}:{name}": size for path, some in found for name, size in some}
    assert len(sizes) > 2000
    assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}


def test_no_file_is_longer_than_400_lines() -> None:
    long = {str(path.relative_to(ROOT)): lines(path) for path in PYTHON if lines(path) > LONGEST_FILE}
    assert long == {}


def test_no_template_is_longer_than_150_lines() -> None:
    templates = [path for path in files("*.html", *ROOMS, "templates") if lines(path) > LONGEST_TEMPLATE]
    assert [str(path.relative_to(ROOT)) for path in templates] == []


def test_our_own_javascript_is_at_most_520_lines_in_all() -> None:
    assert sum(lines(path) for path in files("*.js", "static")) <= ALL_JAVASCRIPT


def test_every_module_is_named_for_what_it_does() -> None:
    nameless = [path for path in PYTHON if {path.stem, path.parent.name} & NAMELESS]
    assert [str(path.relative_to(ROOT)) for path in nameless] == []


@pytest.mark.parametrize("name", [*PINNED, "package-lock.json"])
def test_what_is_pinned_names_no_place_to_fetch_it_from(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("name", PINNED)
def test_every_package_is_pinned_with_its_sums(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    packages = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert packages
    assert [line for line in packages if "==" not in line or "--hash=sha256:" not in line] == []
