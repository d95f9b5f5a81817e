"""Hosts that load may go to: how rules are written, and what they let through."""

import pytest

from metricvault.env import env_targets
from metricvault.lib.targets import check_rule, is_allowed, target_of


@pytest.mark.parametrize(
    ("rule", "address"),
    [
        ("*", "https://anything.example/"),
        ("api.example.com", "https://api.example.com"),
        ("api.example.com", "http://API.Example.com.:8080/v1"),
        ("API.example.COM.", "https://api.example.com/"),
        ("api.example.com:8443", "https://api.example.com:8443/"),
        ("api.example.com:443", "https://api.example.com/"),
        ("*.example.com", "https://a.b.example.com/"),
        ("*.example.com:80", "http://a.example.com/"),
        ("10.0.0.0/8", "http://10.1.2.3:8080/"),
        ("10.1.2.3/8", "http://10.9.9.9/"),
        ("10.1.2.3", "http://10.1.2.3/"),
        ("127.0.0.1", "http://2130706433/"),
        ("fd00::/8", "http://[fd00::1]:8080/"),
        ("[fd00::1]:8080", "http://[fd00:0::1]:8080/"),
        ("fd00::1", "http://[FD00::1]/"),
        ("한국.example", "https://xn--3e0b707e.example/"),
        ("xn--3e0b707e.example", "https://한국.example/"),
        ("api.example.com", "https://user:secret@api.example.com/"),
    ],
)
def test_a_rule_lets_its_hosts_through(rule: str, address: str) -> None:
    check_rule(rule)
    assert is_allowed(target_of(address), [rule])


@pytest.mark.parametrize(
    ("rule", "address"),
    [
        ("api.example.com", "https://example.com/"),
        ("api.example.com", "https://api.example.com.evil.test/"),
        ("api.example.com", "https://evil.test/api.example.com"),
        ("api.example.com", "https://api.example.com@evil.test/"),
        ("api.example.com:8443", "https://api.example.com/"),
        ("*.example.com", "https://example.com/"),
        ("*.example.com", "https://evilexample.com/"),
        ("10.0.0.0/8", "http://11.0.0.1/"),
        ("10.0.0.0/8", "http://10.example.com/"),
        ("10.0.0.0/8", "http://[::1]/"),
        ("not a rule", "https://not/"),
        ("", "https://api.example.com/"),
    ],
)
def test_and_no_other_ones(rule: str, address: str) -> None:
    assert not is_allowed(target_of(address), [rule])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://api.example.com/",
        "https:///path",
        "https://",
        "https://api.example.com:99999/",
        "https://api.example.com:0/",
        "https://api.example.com\\@evil.test/",
        "https://api.exa mple.com/",
        "https://api..example.com/",
        "https://[::1/",
        "https://[not-an-address]/",
        "https://a:b:c/",
        "https://{{host}}/",
    ],
)
def test_a_host_that_cannot_be_told_for_sure_is_none(address: str) -> None:
    with pytest.raises(ValueError):
        target_of(address)


def test_a_target_is_shown_with_its_port_where_that_says_something() -> None:
    assert target_of("https://api.example.com:443/").text == "api.example.com"
    assert target_of("http://api.example.com:443/").text == "api.example.com:443"
    assert target_of("http://[FD00::0:1]:8080/").text == "[fd00::1]:8080"


@pytest.mark.parametrize("rule", ["", "a b", "a:0", "a:99999", "10.0.0.0/99", "https://api.example.com", "a..b", "*."])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError):
        check_rule(rule)


def test_an_odd_rule_in_the_environment_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICVAULT_ALLOWED_TARGETS", "*.example.com, https://api.example.com/v1")
    with pytest.raises(Exception, match=r"METRICVAULT_ALLOWED_TARGETS: 'https://api\.example\.com/v1' is no host"):
        env_targets("METRICVAULT_ALLOWED_TARGETS", [])
