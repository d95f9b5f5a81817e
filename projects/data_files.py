"""Data files of a project: CSV whose columns go into requests. A row is never changed: a new upload is a new one.

The old one of that name stays, `replaced_at`, while a result was made with it; a name that a plan uses cannot be
deleted.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from metricvault.lib.errors import Conflict, Detail, Missing, Refused, TooLarge
from projects import audit
from projects.access import Person, project_scope
from projects.csv_reading import MOST_BYTES, Table, read_csv
from projects.models import DataFile, Project

PREVIEW_ROWS = 10
_PREVIEW_BYTES = 256 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")


def upload(project: Project, user: User | None, name: str, file: UploadedFile | None, encoding: str = "") -> DataFile:
    """Reads the file and keeps it under `name`, in the place of one that is there; the same content once more leaves
    that one as it is. Raises `Refused` or `TooLarge` with the field."""
    if not _NAME.match(name):
        message = _("Write small letters, digits and “_”, a letter first: it stands in {{name.column}}.")
        raise Refused(message, [Detail("name", message)])
    if file is None:
        message = _("Choose a CSV file.")
        raise Refused(message, [Detail("file", message)])
    if (file.size or 0) > MOST_BYTES:
        message = _("The file is larger than %(size)d MB.") % {"size": MOST_BYTES // 1024 // 1024}
        raise TooLarge(message, [Detail("file", message)])
    table = read_csv(file.read(), encoding)
    return _keep(project, user, name, table, file.name or "", file.size or 0)


def name_for(file_name: str) -> str:
    """A name made of a file's, "" where nothing of it can stand in one."""
    plain = re.sub(r"[^a-z0-9]+", "_", file_name.rpartition(".")[0].lower()).strip("_")
    return plain[:60] if _NAME.match(plain[:60]) else ""


def _keep(project: Project, user: User | None, name: str, table: Table, file_name: str, size: int) -> DataFile:
    text = rows_json(table.rows).encode()
    packed = zlib.compress(text)
    sha256 = hashlib.sha256(json.dumps(table.columns).encode() + text).hexdigest()
    with _one_at_a_time(), transaction.atomic():
        old = current(project).select_for_update().filter(name=name).defer("packed").first()
        if old is not None:
            if old.sha256 == sha256:
                return old
            _retire(old)
        made = DataFile.objects.create(
            project=project,
            name=name,
            file_name="".join(sign for sign in file_name if sign.isprintable())[:255],
            columns=list(table.columns),
            row_count=len(table.rows),
            encoding=table.encoding,
            size=size,
            sha256=sha256,
            packed=packed,
            created_by=user,
        )
        action = audit.Action.CREATED if old is None else audit.Action.CHANGED
        audit.record(action, made, before=_told(old) if old else None, after=_told(made))
    return made


def _told(file: DataFile) -> dict[str, Any]:
    """For the audit: what a file is, without its rows."""
    return {"file": file.file_name, "columns": file.columns, "rows": file.row_count, "sha256": file.sha256[:12]}


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise Conflict(_("Somebody uploads a file of that name at this moment. Try it again.")) from None


def rows_json(rows: list[list[str]]) -> str:
    """Rows as they are kept, and as k6 reads them: a JSON list of lists of texts, the header left out."""
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def table_json(file: DataFile) -> str:
    """The rows as `rows_json` wrote them, for the file beside k6's script."""
    return zlib.decompress(bytes(file.packed)).decode()


def rows(file: DataFile) -> list[list[str]]:
    """All rows."""
    found: list[list[str]] = json.loads(table_json(file))
    return found


def first_rows(file: DataFile) -> list[list[str]]:
    """The first `PREVIEW_ROWS`, without reading the rest of a large file."""
    text = zlib.decompressobj().decompress(bytes(file.packed), _PREVIEW_BYTES).decode(errors="ignore")
    decoder, at = json.JSONDecoder(), 1  # behind the bracket of the list
    found: list[list[str]] = []
    try:
        while len(found) < PREVIEW_ROWS:
            row, at = decoder.raw_decode(text, at)
            found.append(row)
            at += 1  # the comma
    except ValueError:  # few rows, or wide ones
        return rows(file)[:PREVIEW_ROWS]
    return found


def current(project: Project) -> QuerySet[DataFile]:
    """The files of a project as they are now, by name."""
    return DataFile.objects.filter(project=project, replaced_at=None).order_by("name")


def visible_files(user: Person) -> QuerySet[DataFile]:
    """The files, as they are now, of the projects that `user` may see; without their rows."""
    scope = project_scope(user, "project__")
    return DataFile.objects.filter(scope, replaced_at=None).select_related("project", "created_by").defer("packed")


def get_file(user: Person, pk: int) -> DataFile:
    """The file, or `Missing`."""
    found = visible_files(user).filter(pk=pk).first()
    if found is None:
        raise Missing(_("There is no data file %(id)s.") % {"id": pk})
    return found


def delete(file: DataFile) -> None:
    """Deletes it, or only hides it where a result was made with it. Raises `Conflict` while a plan uses it."""
    with transaction.atomic():
        used = plans_using(file)
        if used:
            message = _("These plans take values from “%(name)s”: %(plans)s. Change them first.")
            plans = ", ".join(plan.title for plan in used[:5]) + (", …" if len(used) > 5 else "")
            raise Conflict(message % {"name": file.name, "plans": plans})
        audit.record(audit.Action.DELETED, file, before=_told(file))
        _retire(file)


def plans_using(file: DataFile) -> list[Any]:
    """The project's plans that name a column of it anywhere, `{{name.column}}`, or say how its rows are taken."""
    hole = re.compile(r"\{\{\s*" + re.escape(file.name) + r"\.")
    # By the relations' names: this app may not import the apps that stand on it.
    plans: Any = file.project.plans.order_by("title", "id").prefetch_related("scenarios__steps")
    return [plan for plan in plans if file.name in (plan.options.get("data") or {}) or hole.search(_texts(plan))]


def _texts(plan: Any) -> str:
    steps = [step for scenario in plan.scenarios.all() for step in scenario.steps.all()]
    drafts = [scenario.drafts for scenario in plan.scenarios.all()]
    typed = [[step.values, step.headers, step.checks, step.extracts] for step in steps]
    return json.dumps([typed, drafts], ensure_ascii=False) + "\n".join(step.body for step in steps)


def _retire(file: DataFile) -> None:
    runs: Any = file.project.test_histories.filter(plan_snapshot__has_key="tables")
    tables = runs.order_by().values_list("plan_snapshot__tables", flat=True)
    if any(table.get("key") == file.pk for some in tables.iterator() for table in some or ()):
        DataFile.objects.filter(pk=file.pk).update(replaced_at=timezone.now())
    else:
        file.delete()
