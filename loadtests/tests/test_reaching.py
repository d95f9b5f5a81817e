"""Which hosts load may go to, where names have to be looked up: networks, pinned addresses, keys of clouds."""

import threading
import time
from typing import Any

import pytest
from django.contrib.auth.models import User

from loadtests import guard, resolving
from loadtests.k6.plan import ReachPlan, TokenPlan
from loadtests.models import LoadLimits
from loadtests.reaching import Reach, askable
from loadtests.tests.test_guard import plan, refused, scenario
from projects.models import Project

NAMES = {
    "api.internal": ["10.0.0.5", "10.0.0.6"],
    "half.internal": ["10.0.0.5", "192.168.0.1"],
    "six.internal": ["fd00::5"],
    "evil.example.com": ["10.0.0.5", "169.254.169.254"],
    "mapped.example.com": ["::ffff:169.254.169.254"],
    "nat64.example.com": ["64:ff9b::a9fe:a9fe"],
}


@pytest.fixture
def project(alice: User) -> Project:
    return Project.objects.create(title="Storefront", owner=alice)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names in the order in which they were looked up."""
    found: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        found.append(host)
        if host not in NAMES:
            raise OSError(host)
        return NAMES[host]

    monkeypatch.setattr(resolving, "look_up", look_up)
    return found


def problem(url: str, *rules: str, thorough: bool = False) -> str:
    return Reach(rules, 7, thorough).judge(url).problem


def test_a_network_lets_a_name_through_where_all_of_its_addresses_lie_in_it(asked: list[str]) -> None:
    assert not problem("http://api.internal/", "10.0.0.0/8")
    assert not problem("http://half.internal:8080/", "10.0.0.0/8", "192.168.0.0/16")
    assert not problem("https://six.internal/", "fd00::/8")
    assert "may not be loaded" in problem("http://half.internal/", "10.0.0.0/8")
    assert "may not be loaded" in problem("https://six.internal/", "10.0.0.0/8", "::/128")


def test_a_name_that_nobody_knows_is_let_through_by_no_network(asked: list[str]) -> None:
    message = problem("http://unknown.internal/", "10.0.0.0/8")
    assert message == (
        "unknown.internal may not be loaded in this project: its address was not found, so no allowed network lets it "
        "through. Check the name, or ask an administrator for approval at /projects/7/targets."
    )


def test_a_name_server_that_does_not_answer_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(resolving, "PATIENCE", 0.05)

    def hang(host: str, port: int) -> list[str]:
        asked.append(host)

        time.sleep(0.15)
        return ["10.0.0.5"]

    monkeypatch.setattr(resolving, "look_up", hang)
    assert "was not found" in problem("http://slow.internal/", "10.0.0.0/8")
    assert "was not found" in problem("http://slow.internal/", "10.0.0.0/8")
    assert asked == ["slow.internal"]


def test_the_addresses_that_were_judged_are_pinned(project: Project, asked: list[str]) -> None:
    LoadLimits.objects.create(project=project, allowed_targets=["10.0.0.0/8", "*.example.org:8443", "fd00::1"])
    built, problems = guard.examine(plan(scenario(url=["http://API.internal/a", "http://10.1.2.3/"])), project)
    assert not problems
    pinned = (("api.internal", ("10.0.0.5", "10.0.0.6")),)
    assert built.reach == ReachPlan((".example.org:8443", "10.1.2.3", "[fd00::1]", "api.internal"), pinned)


def test_a_host_that_is_allowed_on_one_port_is_followed_on_that_port_only(project: Project) -> None:
    LoadLimits.objects.create(project=project, allowed_targets=["*.example.org:8443", "api.example.com:80"])
    urls = ["https://a.example.org:8443/", "http://api.example.com/"]
    assert guard.examine(plan(scenario(url=urls)), project)[0].reach == ReachPlan(
        (".example.org:8443", "api.example.com:80")
    )


def test_a_plan_that_may_go_everywhere_has_nothing_to_keep_to(project: Project, asked: list[str]) -> None:
    assert guard.examine(plan(), project)[0].reach is None
    assert asked == []


def test_nobody_is_asked_while_a_person_types_unless_a_network_needs_it(asked: list[str]) -> None:
    rules = ("api.example.com", "*.example.org")
    assert not problem("http://api.example.com/", *rules, "10.0.0.0/8")
    assert "may not be loaded" in problem("http://api.internal/", *rules)
    assert asked == []
    assert not problem("http://api.example.com/", *rules, thorough=True)
    assert asked == ["api.example.com"]


def test_a_plan_of_many_hosts_waits_for_one_look_up(monkeypatch: pytest.MonkeyPatch, project: Project) -> None:

    together = threading.Barrier(3, timeout=5)

    def look_up(host: str, port: int) -> list[str]:
        together.wait()
        return ["10.0.0.5"]

    monkeypatch.setattr(resolving, "look_up", look_up)
    urls = [f"http://{name}.internal/" for name in "abc"]
    assert guard.examine(plan(scenario(url=urls)), project, thorough=True)[1] == []


@pytest.mark.parametrize("name", ["evil", "mapped", "nat64"])
@pytest.mark.parametrize("rule", ["*", "*.example.com", "0.0.0.0/0"])
def test_a_name_that_leads_even_in_part_to_the_keys_of_clouds_is_never_loaded(
    asked: list[str], name: str, rule: str
) -> None:
    message = problem(f"http://{name}.example.com/", rule, "::/0", thorough=True)
    assert message == f"{name}.example.com is never loaded: it leads to where clouds keep the keys of their machines."


def test_without_its_guard_the_name_is_let_through(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.reaching.is_never_read", lambda address: False)
    assert not problem("http://evil.example.com/", "*", thorough=True)


def test_a_name_with_a_dot_at_its_end_would_not_be_pinned(asked: list[str]) -> None:
    assert "without the dot at its end" in problem("http://api.internal./", "10.0.0.0/8")
    assert not problem("http://api.internal./", "api.internal")


@pytest.mark.parametrize("name", ["stra\xdfe.example", "\u03c2.example", "a\u200db.example"])
def test_a_name_that_two_standards_write_in_different_ways_is_refused(name: str) -> None:
    assert "It cannot be told which host" in problem(f"http://{name}/", "*")


def test_a_project_adds_to_what_is_set_for_all_or_stands_in_its_place(project: Project, settings: Any) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = ["a.example.com"]
    own = LoadLimits.objects.create(project=project, allowed_targets=["+", "b.example.com"])
    assert guard.limits_of(project).allowed_targets == ("a.example.com", "b.example.com")
    settings.METRICVAULT_ALLOWED_TARGETS = ["c.example.com"]
    assert guard.limits_of(project).allowed_targets == ("c.example.com", "b.example.com")
    own.allowed_targets = ["b.example.com"]
    own.save()
    assert guard.limits_of(project).allowed_targets == ("b.example.com",)


def test_what_can_be_asked_for_is_told_with_the_problem(project: Project, settings: Any) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = ["a.example.com"]
    urls = ["https://b.example.com:8443/", "https://b.example.com:8443/x", "http://169.254.169.254/", "http://a b/"]
    token = TokenPlan("t1", "client_credentials", "https://login.example.com/token", "id", "")
    problems = guard.check(plan(scenario(url=urls), tokens=(token,)), project)
    assert askable(problems) == ["b.example.com:8443", "login.example.com"]
    assert len(refused(plan(scenario(url=urls), tokens=(token,)), project)) == 4


def test_a_token_is_fetched_from_the_address_that_was_judged(project: Project, asked: list[str]) -> None:
    LoadLimits.objects.create(project=project, allowed_targets=["10.0.0.0/8"])
    assert guard.judge("http://api.internal/token", project).addresses == ("10.0.0.5", "10.0.0.6")
    assert guard.judge("http://10.0.0.9/token", project).addresses == ()
