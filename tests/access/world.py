"""The populated database of the matrix, and everybody who asks.

All texts of the project carry CANARY: whoever may not see the project must not read that word anywhere.
"""

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from history.models import K6Report, RunLabel, RunNote, TestHistory
from history.states import Status
from history.tests.finished_runs import add_failure, finished
from loadtests import launching, planning
from loadtests.editing import full_plans
from loadtests.models import LoadLimits, Plan, TargetRequest, Try
from loadtests.tests.journey import answered, make_journey
from projects import data_files
from projects.access import local_user
from projects.api_tokens import make_token
from projects.models import AuditEntry, DocumentImport, Environment, LoginSession, Membership, Project
from projects.sources import PASTED

CANARY = "kestrel"
TARGET = "http://127.0.0.1:9"
SCHEME = {
    "name": "key", "kind": "bearer", "place": "header", "parameter": "Authorization", "flows": [], "open_id_url": "",
    "description": CANARY,
}  # fmt: skip


@dataclass(frozen=True)
class Persona:
    """Who asks. `role`: what they are to the project; `scope`: of their API token, None for a browser's session."""

    name: str
    role: str
    scope: str | None = None
    limited: bool = False  # the token is for one project
    secret: str = ""
    user: User | None = None

    @property
    def is_refused(self) -> bool:
        """Whether they show a token that is not valid."""
        return bool(self.secret) and self.role == "unknown"


@dataclass
class World:
    """`keys`: what stands in the addresses and bodies, by the names that the tables use. `sessions`: the cookies of who
    is logged in with a browser, by persona. `last_entry`: of the audit, before anybody asks."""

    people: dict[str, User]
    personae: dict[str, Persona] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    last_entry: int = 0

    def without_rows(self) -> "World":
        """The same with the keys of things that are not there."""
        rows = {name: key + 10**9 for name, key in self.keys.items() if isinstance(key, int)}
        return World(self.people, self.personae, self.keys | rows, self.sessions)

    def fill(self, value: Any) -> Any:
        """A body or an address with the keys in their places: `"{project}"` alone becomes a number."""
        if isinstance(value, str):
            alone = value[1:-1] if value[:1] == "{" and value[-1:] == "}" else ""
            return self.keys[alone] if alone in self.keys else _filled(value, self.keys)
        if isinstance(value, dict):
            return {_filled(name, self.keys): self.fill(one) for name, one in value.items()}
        return [self.fill(one) for one in value] if isinstance(value, list) else value


def _filled(text: str, keys: dict[str, Any]) -> str:
    for name, key in keys.items():
        text = text.replace("{" + name + "}", str(key))
    return text


def make_world() -> World:
    """alice owns, bob is a member, rita reads, charlie is a stranger who has a project of his own, with bob in it."""
    names = ("alice", "bob", "rita", "charlie", "gone")
    people = {name: User.objects.create(username=name) for name in names}
    people["administrator"] = User.objects.create(username="administrator", is_staff=True, is_superuser=True)
    people["local"] = local_user()
    world = World(people)
    shop = _fill_project(world, "", people["alice"], people["bob"], CANARY)
    other = _fill_project(world, "other_", people["charlie"], people["charlie"], "elsewhere")
    for name, role in (("bob", "member"), ("gone", "member"), ("rita", "reader")):
        Membership.objects.create(project=shop, user=people[name], role=role)
        world.keys[name] = people[name].pk
    Membership.objects.create(project=other, user=people["bob"])
    world.keys["charlie"] = people["charlie"].pk
    _more_to_delete(world, shop)
    _meet_everybody(world, shop, other)
    User.objects.filter(username="gone").update(is_active=False)
    return world


def _more_to_delete(world: World, shop: Project) -> None:
    """What has nothing that keeps it from being deleted or brought back."""
    LoadLimits.objects.create(project=shop, allowed_targets=["127.0.0.1"])
    spare = Project.objects.create(title=f"{CANARY} spare", owner=shop.owner)
    for one in shop.memberships.all():
        Membership.objects.create(project=spare, user=one.user, role=one.role)
    archived = Plan.objects.create(project=shop, title=f"{CANARY} archived", archived_at=timezone.now())
    world.keys |= {"spare_project": spare.pk, "archived_plan": archived.pk}


def _fill_project(world: World, prefix: str, owner: User, member: User, word: str) -> Project:
    plan = make_journey(owner, TARGET)
    project, spec = plan.project, plan.project.openapi_specs.get()
    Project.objects.filter(pk=project.pk).update(title=f"{word} shop", summary=word, description=word)
    spec.title, spec.security_schemes = f"{word} API", [SCHEME]
    spec.document = json.dumps({"openapi": "3.0.0", "info": {"title": spec.title, "version": "1"}, "paths": {}})
    spec.save()
    Plan.objects.filter(pk=plan.pk).update(title=f"{word} plan", description=word)
    scenario = plan.scenarios.get()
    spare, used = (Environment.objects.create(project=project, name=f"{word} {name}") for name in ("spare", "used"))
    Plan.objects.filter(pk=plan.pk).update(environment=used)
    file = data_files.upload(project, owner, f"{word}_data", ContentFile(b"email,pin\na@example.com,1\n", "d.csv"), "")
    runs = _runs(project, plan, owner, word)
    note = RunNote.objects.create(test_history=runs["run"], author=member, text=f"{word} note")
    ran_note = RunNote.objects.create(test_history=runs["ran"], author=member, text=f"{word} note")
    step, stage = scenario.steps.order_by("position").first(), scenario.stages.first()
    request = TargetRequest.objects.create(project=project, rule=f"{word}.example.com", asked_by=owner, reason=word)
    rows = {
        "project": project, "spec": spec, "endpoint": spec.endpoints.first(), "plan": plan, "scenario": scenario,
        "step": step, "stage": stage, "environment": spare, "used_environment": used, "file": file, "note": note,
        "request": request,
        "ran_note": ran_note, "try": _tried(plan, owner), "import": _import(project, owner), **runs,
    }  # fmt: skip
    world.keys |= {f"{prefix}{name}": getattr(row, "pk", None) for name, row in rows.items()}
    return project


def _runs(project: Project, plan: Plan, owner: User, word: str) -> dict[str, TestHistory]:
    """Of each state one; `ran` was asked for here, so that it can be run again; `run` has all that a page shows."""
    payload = planning.from_plan(full_plans().get(pk=plan.pk))
    queued = {
        name: launching.start(payload, owner, plan) for name in ("active", "running", "ran", "changed_since", "trashed")
    }
    over = {"status": Status.COMPLETED, "is_completed": True, "completed_at": timezone.now(), "total_requests": 9}
    run = finished(owner) if word == CANARY else launching.start(payload, owner, plan)
    if run.project_id != project.pk:
        Project.objects.filter(pk=run.project_id).update(title=f"{word} other")
        add_failure(run, error=word)
    K6Report.objects.create(test_history=run, instance="1", packed=zlib.compress(f"<p>{word}</p>".encode()))
    RunLabel.objects.create(test_history=run, text=word)
    change = TestHistory.objects.filter
    change(pk=run.pk).update(project=project, plan=plan, title=f"{word} run", release=word, log=word, script=word)
    change(pk__in=[queued[name].pk for name in ("ran", "changed_since", "trashed")]).update(title=f"{word} ran", **over)
    change(pk=queued["changed_since"].pk).update(plan=None)
    change(pk=queued["trashed"].pk).update(deleted_at=timezone.now())
    snapshot = {**queued["running"].plan_snapshot, "k6_dashboard": True}
    change(pk=queued["running"].pk).update(status=Status.RUNNING, plan_snapshot=snapshot, log=word)
    change(pk=run.pk).update(plan_snapshot={**run.plan_snapshot, "k6_dashboard": True})
    return {**queued, "run": run}


def _tried(plan: Plan, owner: User) -> Try:
    row = answered(plan, owner)
    row.log = CANARY
    row.state = Try.State.PASSED
    row.save()
    return row


def _import(project: Project, owner: User) -> DocumentImport:
    document = {"openapi": "3.0.0", "info": {"title": f"{project.pk} new", "version": "2"}, "paths": {}}
    data = json.dumps(document).encode()
    about = {"field": "document", "payload": data, "size": len(data), "charset": PASTED, "name": CANARY}
    about |= {"document_hash": hashlib.sha256(data).hexdigest(), "changes": {}, "changed_at": timezone.now()}
    return DocumentImport.objects.create(project=project, created_by=owner, state=DocumentImport.State.REVIEW, **about)


def _meet_everybody(world: World, shop: Project, other: Project) -> None:
    found = [Persona("anonymous", "unknown"), Persona("inactive", "unknown", user=world.people["gone"])]
    roles = {"charlie": "stranger", "rita": "reader", "bob": "member", "alice": "owner"}
    for name, role in {**roles, "administrator": "administrator"}.items():
        found.append(Persona(role, role, user=world.people[name]))
    found.append(Persona("open access", "administrator"))
    past = timezone.now() - timedelta(days=1)
    for name, whose, role, scope, more in (
        ("token read", "bob", "member", "read", {"project": shop}),  # the least of who may is limited, too
        ("token run", "bob", "member", "run", {"project": shop}),
        ("token admin", "bob", "member", "admin", {"project": shop}),
        ("token of a reader", "rita", "reader", "admin", {}),
        ("token of the owner, here", "alice", "owner", "admin", {"project": shop}),
        ("token of an administrator, elsewhere", "administrator", "stranger", "admin", {"project": other}),
        ("token of the member, elsewhere", "bob", "stranger", "admin", {"project": other}),
        ("token of an administrator", "administrator", "administrator", "admin", {}),
        ("token of an administrator, read", "administrator", "administrator", "read", {}),
        ("token of a stranger", "charlie", "stranger", "admin", {}),
        ("token of who is inactive", "gone", "unknown", "admin", {}),
        ("token out of date", "alice", "unknown", "admin", {"expires_at": past}),
    ):
        made, secret = make_token(world.people[whose], name, scope, **more)
        found.append(Persona(name, role, scope, "project" in more, secret))
        if name == "token admin":
            world.keys["token"] = made.pk
    world.personae = {one.name: one for one in found}
    for one in found:
        if one.user is not None:
            client = Client()
            client.force_login(one.user)
            world.sessions[one.name] = client.session.session_key or ""
    world.keys["session"] = LoginSession.objects.get(user=world.people["bob"]).pk
    world.last_entry = AuditEntry.objects.latest("pk").pk
