"""Who may do what by the API. Classes as in `page_table`; besides: run: what a token that may run load may send (in a
project: where the body has none that they may see, it says so with the other problems of the body). whole: not for
tokens of one project. trash: as change; a reader does not know what was deleted, either. A line: method, path,
arguments that are not called as in `USUAL`, a query."""

from typing import Any

from tests.access.page_bodies import DOCUMENT, PLAN_FILE, File

USUAL = {
    "project_id": "project", "spec_id": "spec", "environment_id": "environment", "file_id": "file", "plan_id": "plan",
    "run_id": "run", "note_id": "note", "try_id": "try",
}  # fmt: skip
OPERATIONS = {
    "public": """
        GET /api/openapi.json
    """,
    "signed in": """
        GET /project
        GET /openapi
        GET /openapi ?project_id={project}
        GET /endpoint
        GET /environment
        GET /data-file
        GET /scheduler/jobs
        GET /plan
        GET /test-history/simple
        GET /test-history/simple ?project_id={project}&plan_id={plan}&q=kes
        GET /test-history/regressions
    """,
    "whole": """
        POST /project
    """,
    "read": """
        GET /project/{project_id}
        GET /openapi/{spec_id}
        GET /endpoint ?project_id={project}
        GET /endpoint ?openapi_spec_id={spec}
        GET /environment ?project_id={project}
        GET /environment/{environment_id}
        GET /data-file ?project_id={project}
        GET /data-file/{file_id}
        GET /plan ?project_id={project}
        GET /plan/{plan_id}
        GET /plan/{plan_id}/file
        GET /load-testing/try/{try_id}
        GET /test-history/projects/{project_id}
        GET /test-history/{run_id}/details
        GET /test-history/{run_id}/script
        GET /test-history/{run_id}/failures
        GET /test-history/{run_id}/notes
        GET /test-history/{run_id}/timeseries
        GET /test-history/{run_id}/span ?from=0&to=3
        GET /test-history/{run_id}/heatmap
        GET /test-history/{run_id}/wait ?timeout=0
        GET /test-history/{run_id}/export.csv
        GET /test-history/{run_id}/export.json
        GET /test-history/{run_id}/export.zip
        GET /test-history/{run_id}/report.html
        GET /test-history/{run_id}/junit.xml
        GET /test-history/{run_id}/chart/{name}.svg name=throughput
        GET /test-history/compare ?runs={run},{ran}
        GET /test-history/trends ?plan_id={plan}
        GET /test-history/trends ?endpoint={endpoint}
        GET /test-history/trends ?project_id={project}
        GET /test-history/trends ?project_id={project}&request=GET%20/orders
        GET /test-history/regressions ?project_id={project}
    """,
    "run in a project": """
        POST /load-testing
        POST /load-testing/preview
        POST /load-testing/try
    """,
    "run": """
        POST /plan/{plan_id}/run
        POST /plan/{plan_id}/try
        POST /test-history/{run_id}/again run_id=ran
        POST /test-history/{run_id}/stop run_id=running
    """,
    "change": """
        PATCH /project/{project_id}
        POST /openapi/analyze
        DELETE /openapi/{spec_id}
        POST /environment
        PATCH /environment/{environment_id}
        DELETE /environment/{environment_id}
        POST /environment/{environment_id}/duplicate
        POST /data-file
        DELETE /data-file/{file_id}
        POST /plan/file
        DELETE /plan/{plan_id}
        POST /plan/{plan_id}/duplicate
        POST /plan/{plan_id}/archive
        POST /plan/{plan_id}/unarchive plan_id=archived_plan
        POST /test-history/{run_id}/plan run_id=changed_since
        PATCH /test-history/{run_id}
        DELETE /test-history/{run_id}
        POST /test-history/{run_id}/notes
        POST /test-history/import
    """,
    "trash": """
        POST /test-history/{run_id}/restore run_id=trashed
    """,
    "own another": """
        DELETE /project/{project_id} project_id=spare_project
    """,
    "author": """
        PATCH /test-history/{run_id}/notes/{note_id}
        DELETE /test-history/{run_id}/notes/{note_id}
    """,
    "administrators": """
        GET /audit
        GET /audit/export.csv
    """,
    "live": """
        GET /sse/k6-data
    """,
}
LOAD = {
    "project_id": "{project}",
    "title": "Fresh",
    "scenarios": [
        {
            "name": "Log in",
            "endpoint_id": "{endpoint}",
            "executor": "constant-vus",
            "stages": [{"duration": 10, "target": 1}],
        }
    ],
}
# JSON, but for what has a File in it.
BODIES: dict[str, dict[str, Any]] = {
    "POST /project": {"title": "Fresh"},
    "PATCH /project/{project_id}": {"title": "Changed"},
    "POST /openapi/analyze": {"project_id": "{project}", "document": DOCUMENT},
    "POST /environment": {"project_id": "{project}", "name": "fresh"},
    "PATCH /environment/{environment_id}": {"name": "changed"},
    "POST /data-file": {"project_id": "{project}", "name": "fresh", "file": File("fresh.csv", "a,b\n1,2\n")},
    "POST /load-testing": LOAD,
    "POST /load-testing/preview": LOAD,
    "POST /load-testing/try": LOAD,
    "POST /plan/file": {"project_id": "{project}", "file": PLAN_FILE},
    "PATCH /test-history/{run_id}": {"release": "4.18"},
    "POST /test-history/{run_id}/notes": {"text": "The cache was cold."},
    "PATCH /test-history/{run_id}/notes/{note_id}": {"text": "The cache was warm."},
    "POST /test-history/import": {"project_id": "{project}", "document": {"metrics": {"http_reqs": {"count": 9}}}},
}
WRITES_NOTHING = {"POST /load-testing/preview"}
