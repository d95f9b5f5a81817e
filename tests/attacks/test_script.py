"""What people wrote stands in k6's script as data: none of it ends a string, a line or an element there."""

import json
import re

import pytest
from django.test import Client

from loadtests.k6 import script as scripts
from loadtests.models import Plan, Scenario, Step
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
WORDS = ("\u2028globalThis.hit=1;\u2029", "</script><script>hit()</script>", "`${globalThis.hit}`", '"; hit(); "',
         "'; hit(); '", "\\", "*/ hit() /*", "<!-- hit -->", "\x7f\x85")  # fmt: skip


RAW = re.compile("[\u2028\u2029\x7f-\x9f]|</script|<!--")


def script_of(world: World, words: str) -> str:
    """The script of a plan in which everything is called so, as it can be taken away."""
    plan = world.keys["plan"]
    Plan.objects.filter(pk=plan).update(title=words)
    Scenario.objects.filter(plan=plan).update(name=words)
    Step.objects.filter(scenario__plan=plan).update(name=words)
    Step.objects.filter(pk=world.keys["step"]).update(body=f"said {words}", content_type="text/plain")
    client = Client()
    client.force_login(world.people["alice"])
    return client.get(f"/tests/{plan}/script?download").content.decode()


def test_what_was_written_stands_there_as_data(world: World) -> None:
    for words in WORDS:
        text = script_of(world, words)
        before, _equals, rest = text.partition("const PLAN = ")
        told, end = json.JSONDecoder().raw_decode(rest)
        assert told["title"] == " ".join(words.split())
        assert json.dumps(f"said {words}")[1:-1] in json.dumps(told)
        assert not RAW.search(rest[:end]), words
        assert "hit" not in before + rest[end:]


def test_without_its_guard_it_ends_lines_and_elements(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "_MISLEADING", re.compile("(?!)"))
    ended = [words for words in WORDS if RAW.search(script_of(world, words))]
    assert len(ended) == 4
