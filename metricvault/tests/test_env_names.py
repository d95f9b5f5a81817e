"""Names that go into another program's statements hold nothing that it could misread."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from metricvault.env import env_name


def test_it_takes_plain_names_and_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env_name("MV_NAME", "k6") == "k6"
    monkeypatch.setenv("MV_NAME", "load-tests_2.0")
    assert env_name("MV_NAME", "k6") == "load-tests_2.0"


@pytest.mark.parametrize("value", ['k6"; DROP DATABASE "k6', "a b", "k6/x", "한글"])
def test_it_refuses_anything_else_by_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MV_NAME", value)
    with pytest.raises(ImproperlyConfigured, match="MV_NAME"):
        env_name("MV_NAME", "k6")
