"""Who may open which page, and press which button. A line: methods, the name of the address, its arguments as names of
`world.keys` (or as they are), a query. What a POST takes is in `page_bodies`.

Classes: public: everybody. signed in: whoever logged in; what they see is theirs. read, change, own: of a project, its
readers, members, owner. administrators: they alone. staff: so, too, and the programs that METRICVAULT_METRICS_TOKEN is
for. password: who logs in with one. login: who is logged in is led on. not set up: everybody is told so. personal:
the person alone. author: who wrote it, and administrators.
left out: whoever logged in may send it, what is not theirs to change stays. by token: nobody, but a run's k6.
"""

PAGES = {
    "public": """
        GET home
        GET healthz
        POST set_language
        GET login
        GET,POST password_set uidb64=MQ token=x-y
    """,
    "login": """
        POST login
    """,
    "password": """
        GET,POST password_change
    """,
    "not set up": """
        GET oidc-start
        GET oidc-callback
        GET oidc-out
    """,
    "signed in": """
        POST logout
        GET,POST account
        GET sessions
        POST sessions-end-others
        GET password_change_done
        GET,POST tokens
        GET projects:list
        GET projects:list ?q=shop&sort=-runs
        GET,POST projects:new
        GET loadtests:list
        GET loadtests:list ?project={project}&q=kes
        GET loadtests:active
        GET loadtests:new
        GET loadtests:import
        GET history:list
        GET history:list ?project={project}&plan={plan}&q=kes
        GET history:list ?runs={run}&runs={ran}
        GET history:import
        GET history:chosen ?runs={run}&runs={ran}
        GET history:deleted
        GET history:ask_delete ?runs={run}&runs={ran}
        GET history:compare
    """,
    "read": """
        GET projects:detail pk=project
        GET projects:spec pk=spec
        GET projects:spec-findings pk=spec
        GET projects:endpoint pk=endpoint
        GET projects:environments pk=project
        GET projects:environment pk=environment
        GET projects:people pk=project
        GET targets pk=project
        GET projects:data-files pk=project
        GET projects:data-file pk=file
        GET loadtests:plan pk=plan
        GET loadtests:script pk=plan
        GET loadtests:script pk=plan ?download
        GET loadtests:script pk=plan ?zip
        GET loadtests:plan_file pk=plan
        GET loadtests:try-shown pk=try
        GET loadtests:try-step pk=try at=0
        GET history:run pk=run
        GET history:run pk=running
        GET history:generators pk=run
        GET history:span pk=run ?from=0&to=3
        GET history:series pk=run
        GET history:seconds pk=run
        GET history:stages pk=run
        GET history:failures pk=run
        GET history:log pk=run
        GET history:script pk=run
        GET history:k6-report pk=run instance=1
        GET history:export-csv pk=run
        GET history:export-json pk=run
        GET history:export-zip pk=run
        GET history:report pk=run
        GET history:junit pk=run
        GET history:chart pk=run name=throughput
        GET history:compare ?runs={run}&runs={ran}
        GET history:trends ?plan={plan}
        GET history:trends ?endpoint={endpoint}
        GET history:trends ?project={project}
        GET history:trends ?project={project}&request=GET%20/orders
        GET history:against-baseline pk=run
        GET live-log pk=running
    """,
    "change": """
        GET,POST projects:edit pk=project
        GET,POST projects:import pk=project
        GET projects:import-steps pk=import
        POST projects:import-confirm pk=import
        POST projects:import-discard pk=import
        GET,POST projects:spec-edit pk=spec
        POST projects:spec-delete pk=spec
        GET,POST projects:environment-new pk=project
        GET projects:environment-row pk=project kind=header
        POST projects:environment-login pk=project
        POST projects:environment pk=environment
        POST projects:environment-delete pk=environment
        POST projects:environment-duplicate pk=environment
        POST projects:data-files pk=project
        POST projects:data-file-delete pk=file
        GET loadtests:new ?project={project}
        POST loadtests:new
        GET loadtests:import ?project={project}
        POST loadtests:import
        POST loadtests:save pk=plan
        GET,POST loadtests:add pk=plan
        POST loadtests:run pk=plan
        POST loadtests:try pk=plan
        POST loadtests:take_value pk=try at=0
        POST loadtests:delete pk=plan
        POST loadtests:duplicate_plan pk=plan
        POST loadtests:archive_plan pk=plan
        POST loadtests:scenario-save pk=scenario
        POST loadtests:scenario-duplicate pk=scenario
        POST loadtests:scenario-delete pk=scenario
        POST loadtests:profile pk=scenario
        POST loadtests:stage-add pk=scenario
        POST loadtests:stages-order pk=scenario
        POST loadtests:stage-delete pk=scenario stage_pk=stage
        POST loadtests:stage-duplicate pk=scenario stage_pk=stage
        POST loadtests:stage-move pk=scenario stage_pk=stage direction=down
        GET,POST loadtests:step-add pk=scenario
        POST loadtests:steps-order pk=scenario
        POST loadtests:step-reset pk=scenario step_pk=step
        POST loadtests:step-delete pk=scenario step_pk=step
        POST loadtests:step-duplicate pk=scenario step_pk=step
        POST loadtests:step-move pk=scenario step_pk=step direction=down
        POST loadtests:row-add pk=scenario step_pk=step kind=check
        POST loadtests:row-delete pk=scenario step_pk=step kind=extract number=0
        POST loadtests:stop run_pk=running
        POST loadtests:run_again run_pk=ran
        POST loadtests:edit_again run_pk=changed_since
        GET history:import ?project={project}
        POST history:import
        POST history:add_labels pk=run
        POST history:remove_label pk=run
        POST history:release pk=run
        POST history:pin pk=run
        POST history:baseline pk=run
        POST history:add_note pk=run
        POST targets pk=project
    """,
    "own another": """
        POST projects:delete pk=spare_project
    """,
    "own": """
        GET projects:audit pk=project
        GET projects:audit-csv pk=project
        POST projects:people pk=project
        POST projects:person pk=project person=rita
        POST projects:person-remove pk=project person=rita
        POST projects:person-owner pk=project person=bob
    """,
    "author": """
        POST history:change_note pk=run note_pk=note
        POST history:delete_note pk=run note_pk=note
    """,
    "left out": """
        POST history:delete
        POST history:restore
    """,
    "personal": """
        POST token-revoke pk=token
        POST session-end pk=session
    """,
    "administrators": """
        GET audit
        GET audit-csv
        GET target-requests
        POST target-approve pk=request
        POST target-deny pk=request
    """,
    "staff": """
        GET metrics
    """,
    "by token": """
        POST ingest run_id=running
        GET token run_id=running key=t1
        GET k6-dashboard:part pk=running instance=1 ticket=made-up path=ui/
    """,
    # test_live.py has these.
    "live": """
        GET k6-data
        GET k6-dashboard:enter pk=running instance=1
    """,
}
# Permitted, and yet nothing is written: the answer is another part of the form, or what was asked for is so already.
WRITES_NOTHING = {
    "history:remove_label", "logout", "login", "loadtests:stages-order",
    "loadtests:stage-move", "loadtests:steps-order", "password_change", "password_set",
    "sessions-end-others", "session-end", "projects:environment-login",
    "set_language", "token-revoke",
}  # fmt: skip
