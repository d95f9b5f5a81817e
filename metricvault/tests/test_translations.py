"""Every text a person reads goes through gettext, and every catalogue has all of them.

`make messages` brings the catalogues up to date.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.template.base import Lexer, Token, TokenType

from metricvault.messages import CALLS, KEYWORDS, ROOT, Key, extracted, sources, update

CATALOGUES = sorted(ROOT.glob("*/locale/*/LC_MESSAGES/*.po"))
TEMPLATES = [path for path in sources() if path.suffix == ".html"]
CODE = [path for path in sources() if path.suffix == ".py"]

# The same in every language: names, units and measures.
SAME = re.compile(r"\b(Metric Vault|k6|OpenAPI|API|JSON|TPS|VUs?|p50|p90|p95|p99|req/s|ms|s)\b|English|한국어")
READ_ALOUD = {"title", "alt", "placeholder", "aria-label", "aria-valuetext", "label", "hx-confirm"} | {
    "data-th", "data-name", "data-done", "data-latest", "data-failed", "data-time", "data-errors",
}  # fmt: skip
PASSED_ON = ("title", "text", "label", "cancel", "hint", "placeholder", "word", "unit", "value")

# What only administrators and programs read stays English.
NOT_FOR_TESTERS = (
    "metricvault/checks.py",
    "metricvault/doctor.py",
    "metricvault/management/",
    "metricvault/env.py",
    "metricvault/backup/",
    "metricvault/messages.py",
    "metricvault/supervise/",
    "metricvault/gate.py",  # before anybody's language is known
    "metricvault/listening.py",
    "history/ingest.py",
    "history/plausible.py",
    "history/metrics/",
    "history/management/",
    "loadtests/granting.py",  # k6 writes into its log what its own address answered
    "loadtests/token_views.py",
    "loadtests/tokens.py",
    "loadtests/management/",
    "loadtests/granting.py",  # what stands in k6's log, which is English
    "loadtests/tokens.py",
    "loadtests/token_views.py",
    "loadtests/k6/package.py",  # beside a script that is run by hand
    "loadtests/k6/paths.py",  # why a path is none; people read the form's own sentence
    "projects/checks.py",
    "projects/management/",
)
FAULTS_OF_OURS = (
    " bytes at most.",
    " is not a file name.",
    " is not a variable of a secret.",
    " is not a job name: [a-z0-9-], at most 63 characters.",
)
API_DOCUMENTATION = {"description", "summary", "examples"}
LABELS = {"label", "help_text", "verbose_name", "verbose_name_plural", "empty_label", "hint", "short_description"}
SENTENCE = re.compile(r"[A-Za-z]{2,}[^\n]* [A-Za-z“%][^\n]*[.?!…]$")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def messages_of(entry: polib.POEntry) -> tuple[str, list[str]]:
    """What the translation has to say, and its forms."""
    if entry.msgid_plural:
        return entry.msgid_plural, [entry.msgstr_plural[form] for form in sorted(entry.msgstr_plural)]
    return entry.msgid, [entry.msgstr]


@pytest.fixture(scope="module", params=CATALOGUES, ids=name_of)
def catalogue(request: pytest.FixtureRequest) -> polib.POFile:
    return polib.pofile(str(request.param), encoding="utf-8")


def test_there_is_a_korean_catalogue() -> None:
    assert [name_of(path) for path in CATALOGUES] == ["metricvault/locale/ko/LC_MESSAGES/django.po"]


def test_the_catalogue_has_every_message_and_no_other(catalogue: polib.POFile) -> None:
    said = {(key.context, key.text, message.plural) for key, message in extracted(sources()).items()}
    kept = {(entry.msgctxt or "", entry.msgid, entry.msgid_plural) for entry in catalogue if not entry.obsolete}
    assert len(said) > 300
    assert said - kept == set(), "run make messages, then translate"
    assert kept - said == set(), "run make messages"


def test_nothing_is_untranslated_fuzzy_or_obsolete(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


@pytest.mark.parametrize("pattern", [r"%\(\w+\)[a-z]", r"%[sd]", r"\{\w+\}", r"</?\w+>", r"[\"<>]"])
def test_placeholders_and_tags_are_those_of_the_source(catalogue: polib.POFile, pattern: str) -> None:
    wrong = [
        (source, form)
        for source, forms in map(messages_of, catalogue)
        for form in forms
        if Counter(re.findall(pattern, source)) != Counter(re.findall(pattern, form))
    ]
    assert wrong == []


def test_a_translation_keeps_the_spaces_at_its_ends(catalogue: polib.POFile) -> None:
    ends = re.compile(r"^\s*|\s*$")
    texts = [(source, form) for source, forms in map(messages_of, catalogue) for form in forms]
    assert [source for source, form in texts if ends.findall(source) != ends.findall(form)] == []


def test_every_plural_has_the_forms_of_its_language(catalogue: polib.POFile) -> None:
    forms = re.match(r"nplurals=(\d+); plural=[^;]+;$", catalogue.metadata["Plural-Forms"])
    assert forms
    plurals = [entry for entry in catalogue if entry.msgid_plural]
    assert plurals
    assert {tuple(sorted(entry.msgstr_plural)) for entry in plurals} == {tuple(range(int(forms[1])))}


# Templates


class Visible(HTMLParser):
    """Collects (line, text) of what people read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self.silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(self.getpos()[0], value) for name, value in attrs if value and name in READ_ALOUD]
        if tag in ("script", "style"):
            self.silent = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self.silent:
            self.silent = ""

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append((self.getpos()[0], data))


def unmarked(template: str) -> list[tuple[int, str]]:
    """(line, text) of what the template shows without a translation."""
    page = Visible()
    page.feed("".join(markup_of(template)))
    page.close()
    shown = [(line, " ".join(text.split())) for line, text in page.found]
    return [(line, text) for line, text in shown if re.search(r"[^\W\d_]", SAME.sub("", text))]


def markup_of(template: str) -> Iterator[str]:
    """The template without its tags and variables, with the words they bring along."""
    skipping = ""
    for token in Lexer(template).tokenize():
        words = token.split_contents() if token.token_type == TokenType.BLOCK else [""]
        if skipping:
            skipping = "" if words[0] == skipping else skipping
            yield "\n" * token.contents.count("\n")
        elif words[0] in ("blocktranslate", "blocktrans", "comment"):
            skipping = f"end{words[0]}"
        elif token.token_type == TokenType.TEXT:
            yield token.contents
        else:
            yield " ".join(brought_along(token, words))


def brought_along(token: Token, words: list[str]) -> Iterator[str]:
    if token.token_type == TokenType.VAR:
        for literals in re.findall(r"\|(?:default|default_if_none|yesno|add):(\"[^\"]*\"|'[^']*')", token.contents):
            yield literals[1:-1]
    elif words[0] in ("include", "with"):
        for word in words[1:]:
            name, _equals, value = word.partition("=")
            if name in PASSED_ON and value[:1] in ("'", '"'):
                yield f"<i>{value[1:-1]}</i>"
    elif words[0] == "firstof":
        yield from (word[1:-1] for word in words[1:] if word[:1] in ("'", '"'))


def test_a_template_shows_no_text_outside_a_translation() -> None:
    shown = {name_of(path): unmarked(path.read_text(encoding="utf-8")) for path in TEMPLATES}
    assert len(shown) > 100
    assert {name: texts for name, texts in shown.items() if texts} == {}


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<p>{% translate 'Runs' %} · {{ run.title }}</p>", []),
        ("<p>p95 {{ run.p95 }} ms, 12 VUs</p>", []),
        ("<p>{# a note #}{% comment %}a note{% endcomment %}</p>", []),
        ("{% blocktranslate count n=n %}one{% plural %}many{% endblocktranslate %}", []),
        ("<script>var x = 'text';</script><input value='kept' class='btn btn-main'>", []),
        ("<b>\n\nRuns</b>", [(1, "Runs")]),
        ("<p>실행</p>", [(1, "실행")]),
        ("<button aria-label='Close'>×</button>", [(1, "Close")]),
        ("{{ run.title|default:'without a title' }}", [(1, "without a title")]),
        ("{% include 'empty.html' with title='Nothing here' id='list' %}", [(1, "Nothing here")]),
        ("{% firstof name 'somebody' %}", [(1, "somebody")]),
    ],
)
def test_the_search_for_texts_in_templates_finds_them(template: str, found: list[tuple[int, str]]) -> None:
    assert unmarked(template) == found


# Python


def called(node: ast.AST) -> str:
    """The last name of what is called, "" for anything else."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "id", "") or getattr(function, "attr", "")


def untranslated(code: str) -> list[tuple[int, str]]:
    """(line, text) of labels, and of sentences, that people would read in English only."""
    nodes = list(ast.walk(ast.parse(code)))
    texts = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    said = [node for node in texts if SENTENCE.search(node.value.strip())]
    said += [node for part in nodes for node in _labels(part) if isinstance(node, ast.Constant)]
    marked = {id(part) for node in nodes for part in _not_for_people(node)} if said else set()
    found = {(node.lineno, str(node.value)) for node in said if id(node) not in marked}
    return sorted(one for one in found if SAME.sub("", one[1]).strip() and one[1] not in FAULTS_OF_OURS)


def _not_for_people(node: ast.AST) -> Iterator[ast.AST]:
    """What is translated, documentation, or written for the log."""
    if isinstance(node, ast.Call):
        function = ast.unparse(node.func)
        if called(node) in KEYWORDS or function.startswith("logger."):
            yield from ast.walk(node)
        elif called(node) not in ("display", "action"):
            for keyword in node.keywords:
                yield from ast.walk(keyword.value) if keyword.arg in API_DOCUMENTATION else ()
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    elif isinstance(node, ast.Dict):  # JSON schema
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "description":
                yield value


def _labels(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that Django shows: labels of fields and models, and the words of choices."""
    if isinstance(node, ast.Call):
        yield from (keyword.value for keyword in node.keywords if keyword.arg in LABELS)
        if called(node) in ("display", "action"):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "description")
        if called(node).endswith("Field") and ast.unparse(node.func).startswith("models."):
            yield from node.args[:1]
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in LABELS:
        yield node.value
    elif isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
        for line in node.body:
            if isinstance(line, ast.Assign) and isinstance(line.value, ast.Tuple):
                yield line.value.elts[-1]


def test_python_says_nothing_outside_a_translation() -> None:
    paths = [path for path in CODE if not name_of(path).startswith(NOT_FOR_TESTERS)]
    said = {name_of(path): untranslated(path.read_text(encoding="utf-8")) for path in paths}
    assert len(said) > 200
    assert {name: texts for name, texts in said.items() if texts} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('raise Missing(_("There is no run %(id)s.") % {"id": 1})', []),
        ('def f():\n    """There is documentation."""\n    logger.warning("The run %s was lost.", 1)', []),
        ('limit = Field(50, description="How many items at most.")', []),
        ('raise Missing("There is no run.")', [(1, "There is no run.")]),
        ('raise Missing(f"There is no run {id}. Look again.")', [(1, ". Look again.")]),
        ('name = forms.CharField(label="Name")', [(1, "Name")]),
        ('name = models.CharField("name", max_length=200)', [(1, "name")]),
        ('class A(models.TextChoices):\n    B = "b", "Word"', [(2, "Word")]),
        ('@admin.display(description="number of runs")\ndef f(): ...', [(1, "number of runs")]),
    ],
)
def test_the_search_for_texts_in_python_finds_them(code: str, found: list[tuple[int, str]]) -> None:
    assert untranslated(code) == found


def unfindable(code: str) -> list[int]:
    """The lines of translations inside of f-strings, and of those of a text that is computed."""
    if not CALLS.search(code):
        return []
    nodes = list(ast.walk(ast.parse(code)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and called(node) in KEYWORDS]
    hidden = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    return [call.lineno for call in calls if id(call) in hidden or any(map(_is_computed, call.args[:1]))]


def test_what_is_translated_can_be_found_by_every_python() -> None:
    """Python before 3.12 does not look into f-strings, and no extractor can know a text that is computed."""
    hidden = {name_of(path): unfindable(path.read_text(encoding="utf-8")) for path in CODE}
    assert {name: lines for name, lines in hidden.items() if lines} == {}


@pytest.mark.parametrize("code", ["f\"{_('Run')} 1\"", '_(f"Run {n}")', '_("Run " + name)', 'gettext("%s" % name)'])
def test_what_cannot_be_found_is_named(code: str) -> None:
    assert unfindable(f'x = _("Run")\ny = {code}') == [2]


def _is_computed(text: ast.expr) -> bool:
    """Anything but a literal, a name, or a value made by a plain call."""
    return not isinstance(text, ast.Constant | ast.Name | ast.Attribute | ast.Call)


def test_our_javascript_has_no_sentences() -> None:
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert re.findall(r"[\"'`]([A-Z][a-z]+ [a-z]+[^\"'`]*)[\"'`]", code) == [], path.name


# `make messages`


def test_the_update_adds_removes_and_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metricvault.messages.ROOT", tmp_path)
    (tmp_path / "page.html").write_text(
        "<p>\n      {% translate 'Run' %}\n  {% blocktranslate trimmed count n=n %}\n    one run\n  {% plural %}\n"
        "  {{ n }} runs{% endblocktranslate %} {% translate 'to' context 'a place' %}</p>",
        encoding="utf-8",
    )
    (tmp_path / "code.py").write_text(
        'X = N_("New " "text %(a)s")\n# Translators: a verb\n_("Run")\n', encoding="utf-8"
    )
    catalogue = tmp_path / "django.po"
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    catalogue.write_text(f'{header}msgid "Run"\nmsgstr "실행"\n\nmsgid "Gone"\nmsgstr "없음"\n', encoding="utf-8")
    open_texts = update(catalogue, extracted([tmp_path / "page.html", tmp_path / "code.py"]))
    assert open_texts == [Key("", "one run"), Key("a place", "to"), Key("", "New text %(a)s")]
    kept = {entry.msgid: entry for entry in polib.pofile(str(catalogue))}
    assert set(kept) == {"Run", "one run", "to", "New text %(a)s"}
    assert kept["Run"].msgstr == "실행"
    assert kept["Run"].comment == "Translators: a verb"
    assert kept["one run"].msgid_plural == "%(n)s runs"
    before = catalogue.read_text(encoding="utf-8")
    update(catalogue, extracted([tmp_path / "page.html", tmp_path / "code.py"]))
    assert catalogue.read_text(encoding="utf-8") == before
