"""A database with very much in it, for the benches of pages: `python -m bench.NAME [HOW MANY [FOLDER]]`. A folder that
is named is filled once and used again."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def measured(
    what: str, many: int, exists: Callable[[], bool], make: Callable[[int], None], measure: Callable[[], int]
) -> int:
    """Fills it by `make` unless it `exists`, then answers what `measure` does. `many`: where nobody says how many."""
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else many
    with tempfile.TemporaryDirectory() as temporary:
        folder = sys.argv[2] if len(sys.argv) > 2 else temporary
        Path(folder).mkdir(parents=True, exist_ok=True)
        os.environ |= {"METRICVAULT_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "metricvault.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        if not exists():
            began = time.perf_counter()
            make(asked)
            print(f"{asked} {what} made in {time.perf_counter() - began:.0f} s\n")
        return measure()
