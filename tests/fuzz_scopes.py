"""What `tests/test_api_fuzz.py` gives to schemathesis: some requests of each operation are sent once more with a token
of each scope, and have to be answered as the API's document and the scope say. (`st` loads this file by its path.)"""

import json
import os
from collections import Counter
from typing import Any

import schemathesis
from schemathesis.checks import CheckContext
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

SAFE = ("GET", "HEAD")
_OF_EACH = 2 if os.environ.get("METRICVAULT_LONG") == "1" else 1  # requests of an operation
_TOKENS: dict[str, str] = json.loads(os.environ["METRICVAULT_FUZZ_TOKENS"])
_RUNS = set(json.loads(os.environ["METRICVAULT_FUZZ_RUNS"]))  # what a token that may run load may send
_sent: Counter[str] = Counter()


@schemathesis.check
def each_scope(ctx: CheckContext, response: Any, case: schemathesis.Case) -> None:
    """403 for what is beyond the scope, whatever is sent; no other error than the document's."""
    operation = f"{case.method} {case.path}"
    is_an_address = all(str(key).isdigit() for key in (case.path_parameters or {}).values())
    if case.path == "/" or not is_an_address or case.method.upper() != case.operation.method.upper():
        return
    _sent[operation] += 1
    if _sent[operation] > _OF_EACH:
        return
    for scope, token in _TOKENS.items():
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=[status_code_conformance, content_type_conformance])
        assert answer.status_code < 500, f"{scope}: {answer.status_code}"
        beyond = case.method not in SAFE and (scope == "read" or (scope == "run" and operation not in _RUNS))
        if beyond:
            assert answer.status_code == 403, f"{scope} may {operation}: {answer.status_code}"
        if scope == "none":
            assert answer.status_code == 401, f"{operation} without a valid token: {answer.status_code}"
