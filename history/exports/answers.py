"""The files of a run as answers, for pages and the API alike. Who asks was looked at before."""

import zipfile
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

from django.utils.translation import gettext as _

from history.drawing import standalone
from history.exports import charts, document
from history.exports.junit import junit
from history.exports.names import file_name
from history.exports.report import report
from history.exports.tables import TABLES
from history.models import TestHistory
from metricvault.lib import cells
from metricvault.lib.downloads import IN_MEMORY, PIECE, Download, spooled
from metricvault.lib.errors import Conflict, Detail, Missing, Refused
from projects import audit

CSV = "text/csv; charset=utf-8"


def finished(run: TestHistory) -> TestHistory:
    """The run; `Conflict` while it is not over, for its numbers are not there yet."""
    if run.is_active:
        raise Conflict(
            _("This run is not over yet. Its files are there as soon as it is; until then, its page shows it.")
        )
    return run


def csv_file(run: TestHistory, part: str) -> Download:
    """One table: `summary`, `timeline`, `errors` or `failures`."""
    if part not in TABLES:
        message = _("There is no table of this name. There are: %(names)s.") % {"names": ", ".join(TABLES)}
        raise Refused(message, [Detail("part", message)])
    table = TABLES[part](finished(run))
    file = spooled(cells.written(table.head, table.rows()))
    return _given(run, f"CSV, {part}", Download(file, file_name(run, part, ".csv"), CSV))


def _given(run: TestHistory, what: str, answer: Download) -> Download:
    audit.record(audit.Action.EXPORTED, run, detail=what)
    return answer


def zip_file(run: TestHistory) -> Download:
    """All tables, the document, the report and the JUnit XML in one archive."""
    finished(run)
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  the answer closes it
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, pieces in _members(run):
                with archive.open(name, "w", force_zip64=True) as member:
                    for piece in pieces:
                        member.write(piece)
    except BaseException:
        file.close()
        raise
    return _given(run, "ZIP", Download(file, file_name(run, "", ".zip"), "application/zip"))


def _members(run: TestHistory) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Name and pieces of each; nothing is made before it is asked for."""
    for part, table in TABLES.items():
        made = table(run)
        yield file_name(run, part, ".csv"), cells.written(made.head, made.rows())
    yield file_name(run, "", ".json"), document.pieces(run)
    yield file_name(run, "report", ".html"), (text.encode() for text in [report(run)])
    yield file_name(run, "junit", ".xml"), iter([junit(run)])


def json_file(run: TestHistory) -> Download:
    """The whole result."""
    pieces = document.pieces(finished(run))
    return _given(run, "JSON", Download(spooled(pieces), file_name(run, "", ".json"), "application/json"))


def html_file(run: TestHistory, *, download: bool = False) -> Download:
    """The report, shown by the browser, or as a file."""
    text = report(finished(run)).encode()
    pieces = (text[at : at + PIECE] for at in range(0, len(text), PIECE))
    name, kind = file_name(run, "report", ".html"), "text/html; charset=utf-8"
    return _given(run, "HTML", Download(spooled(pieces), name, kind, inline=not download))


def junit_file(run: TestHistory) -> Download:
    """The verdict for programs that show tests."""
    file = spooled([junit(finished(run))])
    return _given(run, "JUnit", Download(file, file_name(run, "junit", ".xml"), "application/xml"))


def chart_file(run: TestHistory, name: str, scenario_tag: str = "", *, download: bool = False) -> Download:
    """A chart of the run, or of one of its scenarios, as a picture."""
    finished(run)
    scenario = run.scenarios.filter(scenario_tag=scenario_tag).first() if scenario_tag else None
    if scenario_tag and scenario is None:
        raise Missing(_("This run has no scenario of that name."))
    picture = standalone(charts.chart(run, name, charts.seconds(run, scenario), scenario, width=1000, height=320))
    shown = file_name(run, "-".join(part for part in (scenario.scenario_tag if scenario else "", name) if part), ".svg")
    file = spooled([picture.encode()])
    return _given(run, f"SVG, {name}", Download(file, shown, "image/svg+xml", inline=not download))
