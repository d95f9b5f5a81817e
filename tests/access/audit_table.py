"""What the audit is told of each address that changes something, or gives something away as a file. Addresses by the
names of `page_table` and `operation_table`; docs/audit.md says the same by kinds of objects.

A line: action and kind of object, then addresses. `edits plan`: what is typed in the builder is written down when the
person rests (`loadtests.plan_audit`).
"""

from tests.access.rows import Row

RECORDED = """
logged_in user: POST login
logged_out user: POST logout
changed user: POST password_change, POST password_set, POST account
deleted loginsession: POST session-end
deleted user: POST sessions-end-others
created apitoken: POST tokens
deleted apitoken: POST token-revoke
created project: POST projects:new, POST /project
changed project: POST projects:edit, PATCH /project/{project_id}, POST projects:person-owner
deleted project: POST projects:delete, DELETE /project/{project_id}
created membership: POST projects:people
changed membership: POST projects:person
deleted membership: POST projects:person-remove
imported openapispec: POST projects:import, POST projects:import-confirm, POST /openapi/analyze
changed openapispec: POST projects:spec-edit
deleted openapispec: POST projects:spec-delete, DELETE /openapi/{spec_id}
created environment: POST projects:environment-new, POST projects:environment-duplicate, POST /environment, \
POST /environment/{environment_id}/duplicate
changed environment: POST projects:environment, PATCH /environment/{environment_id}
deleted environment: POST projects:environment-delete, DELETE /environment/{environment_id}
created datafile: POST projects:data-files, POST /data-file
deleted datafile: POST projects:data-file-delete, DELETE /data-file/{file_id}
asked targetrequest: POST targets
approved targetrequest: POST target-approve
denied targetrequest: POST target-deny
created plan: POST loadtests:new, POST loadtests:duplicate_plan, POST loadtests:edit_again, \
POST /plan/{plan_id}/duplicate, POST /test-history/{run_id}/plan
imported plan: POST loadtests:import, POST /plan/file
changed plan: POST loadtests:archive_plan, POST /plan/{plan_id}/archive, POST /plan/{plan_id}/unarchive
deleted plan: POST loadtests:delete, DELETE /plan/{plan_id}
exported plan: GET loadtests:plan_file, GET loadtests:script?download, GET loadtests:script?zip, \
GET /plan/{plan_id}/file
edits plan: POST loadtests:save, POST loadtests:add, POST loadtests:take_value, POST loadtests:scenario-save, \
POST loadtests:scenario-duplicate, POST loadtests:scenario-delete, POST loadtests:profile, POST loadtests:stage-add, \
POST loadtests:stages-order, POST loadtests:stage-delete, POST loadtests:stage-duplicate, POST loadtests:stage-move, \
POST loadtests:step-add, POST loadtests:steps-order, POST loadtests:step-reset, POST loadtests:step-delete, \
POST loadtests:step-duplicate, POST loadtests:step-move, POST loadtests:row-add, POST loadtests:row-delete
started try: POST loadtests:try, POST /load-testing/try, POST /plan/{plan_id}/try
started testhistory: POST loadtests:run, POST loadtests:run_again, POST /load-testing, POST /plan/{plan_id}/run, \
POST /test-history/{run_id}/again
stopped testhistory: POST loadtests:stop, POST /test-history/{run_id}/stop
imported testhistory: POST history:import, POST /test-history/import
changed testhistory: POST history:add_labels, POST history:remove_label, POST history:release, POST history:pin, \
POST history:baseline, PATCH /test-history/{run_id}
created runnote: POST history:add_note, POST /test-history/{run_id}/notes
changed runnote: POST history:change_note, PATCH /test-history/{run_id}/notes/{note_id}
deleted runnote: POST history:delete_note, DELETE /test-history/{run_id}/notes/{note_id}
deleted testhistory: POST history:delete, DELETE /test-history/{run_id}
restored testhistory: POST history:restore, POST /test-history/{run_id}/restore
exported testhistory: GET history:script, GET history:export-csv, GET history:export-json, GET history:export-zip, \
GET history:report, GET history:junit, GET history:chart, GET /test-history/{run_id}/script, \
GET /test-history/{run_id}/export.csv, GET /test-history/{run_id}/export.json, \
GET /test-history/{run_id}/export.zip, GET /test-history/{run_id}/report.html, \
GET /test-history/{run_id}/junit.xml, GET /test-history/{run_id}/chart/{name}.svg
exported: GET audit-csv, GET /audit/export.csv
exported project: GET projects:audit-csv
"""
NOTHING = {
    "a language is nobody's business but one's own": "POST set_language",
    "nothing was imported": "POST projects:import-discard",
    "a form grows by a field; nothing is kept": "POST projects:environment-login",
    "nothing is run": "POST /load-testing/preview",
    "k6 itself tells its numbers, once a second; the run says who started it": "POST ingest",
}
# What a row of the matrix sends there changes nothing, because of what is in its world; the tests of the room show it.
SHOWN_ELSEWHERE = {
    "POST login", "POST password_change", "POST password_set", "POST account", "POST session-end",
    "POST sessions-end-others", "POST token-revoke", "POST history:remove_label",
}  # fmt: skip
TABLE = {
    address.strip(): what
    for what, _colon, addresses in (line.partition(": ") for line in RECORDED.strip().splitlines())
    for address in addresses.split(", ")
}


def named(row: Row) -> str:
    """What it is called in these tables."""
    query = row.query if f"{row.method} {row.place}{row.query}" in TABLE else ""
    return f"{row.method} {row.place}{query}"
