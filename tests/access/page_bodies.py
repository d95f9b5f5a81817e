"""What a POST to a page takes, by the name of its address; nothing where it is missing here. Files by `File`."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class File:
    """An upload."""

    name: str
    text: str


PLAN_FILE = """metricvault: 1
title: From a file
scenarios:
- name: Log in
  endpoint: POST /login
  executor: constant-vus
  stages:
  - {duration: 10s, target: 1}
"""
RESULT = '{"metrics": {"http_reqs": {"count": 2400, "rate": 80.0}}}'
PATHS = '{"/a": {"get": {"responses": {}}}}'
DOCUMENT = f'{{"openapi": "3.0.0", "info": {{"title": "Fresh", "version": "1"}}, "paths": {PATHS}}}'
BODIES: dict[str, dict[str, Any]] = {
    "set_language": {"language": "en"},
    "password_change": {"old_password": "x", "new_password1": "y", "new_password2": "y"},
    "account": {"first_name": "Anna"},
    "target-deny": {"answer": "No."},
    "targets": {"rule": "api.example.org", "reason": "Before the launch"},
    "tokens": {"name": "nightly", "scope": "read", "project": "", "days": "30"},
    "projects:new": {"title": "Fresh"},
    "projects:edit": {"title": "Changed"},
    "projects:import": {"way": "document", "document": DOCUMENT},
    "projects:spec-edit": {"base_url": "http://127.0.0.1:9/v2"},
    "projects:environment-new": {"name": "fresh"},
    "projects:environment": {"name": "changed"},
    "projects:environment-login": {"login.s0.scheme": "key", "login.s0.way": "bearer"},
    "projects:data-files": {"name": "fresh", "file": File("fresh.csv", "a,b\n1,2\n")},
    "projects:people": {"username": "charlie", "role": "reader"},
    "projects:person": {"role": "member"},
    "loadtests:new": {"project": "{project}", "endpoint": "{endpoint}", "title": "Fresh"},
    "loadtests:import": {"project": "{project}", "text": PLAN_FILE},
    "loadtests:save": {"title": "Changed"},
    "loadtests:add": {"endpoint": "{endpoint}"},
    "loadtests:take_value": {"pick": "json:$.user.id"},
    "loadtests:scenario-save": {"name": "Changed"},
    "loadtests:profile": {"profile": "load", "peak": "5", "minutes": "1"},
    "loadtests:stages-order": {"order": "{stage}"},
    "loadtests:steps-order": {"step_order": "{step}"},
    "loadtests:step-add": {"endpoint": "{endpoint}"},
    "history:import": {"project": "{project}", "file": File("k6.json", RESULT)},
    "history:add_labels": {"labels": "fresh"},
    "history:remove_label": {"label": "fresh"},
    "history:release": {"release": "4.18"},
    "history:pin": {"pinned": "1"},
    "history:baseline": {"baseline": "1"},
    "history:add_note": {"text": "The cache was cold."},
    "history:change_note": {"text": "The cache was warm."},
    "history:delete": {"runs": ["{run}", "{ran}"]},
    "history:restore": {"runs": ["{trashed}"]},
}
HTMX = {"projects:environment-login": {"HX-Request": "true", "HX-Trigger-Name": "login.s0.way"}}
