"""`python -m metricvault.catalogues FILE.po …`: message catalogues without the gettext binaries, beside each FILE.po.

Without arguments: every catalogue of the project that is older than its text. Knows nothing of Django, so that it is
quick; the format is read and written by polib.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent


def outdated() -> list[Path]:
    """Every .po under the apps' locale folders whose .mo is missing or older."""
    texts = sorted(ROOT.glob("*/locale/*/LC_MESSAGES/*.po"))
    return [
        path for path in texts if not path.with_suffix(".mo").exists() or _age(path) > _age(path.with_suffix(".mo"))
    ]


def compile_catalogues(paths: Iterable[Path]) -> None:
    """Writes each .mo whole, or not at all. Fuzzy entries stay out, as with msgfmt. Raises OSError for a broken file,
    with its line."""
    for path in paths:
        half_done = path.with_suffix(".mo.new")
        polib.pofile(str(path), encoding="utf-8").save_as_mofile(str(half_done))
        half_done.replace(path.with_suffix(".mo"))


def _age(path: Path) -> float:
    return path.stat().st_mtime


if __name__ == "__main__":
    compile_catalogues([Path(name) for name in sys.argv[1:]] or outdated())
