"""The body that a load test, its preview and its try have in common."""

import json
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from loadtests import planning
from metricvault.lib.errors import Malformed

BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": planning.json_schema()}}}}


def payload_of(request: HttpRequest) -> dict[str, Any]:
    """The body as it is: planning has the rules, and its sentences name each field."""
    try:
        payload = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Malformed(_("The body is not valid JSON.")) from None
    if not isinstance(payload, dict):
        raise Malformed(_("The body is a JSON object with title and scenarios."))
    return payload
