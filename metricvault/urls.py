"""Every address of the product."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from history.ingest import ingest
from history.live.eventstream import k6_data
from loadtests.log_views import live_log
from loadtests.token_views import token
from metricvault import pages
from metricvault.api import api
from metricvault.exposition import metrics
from projects import audit_views
from projects.token_views import revoke, tokens

handler404 = "metricvault.pages.not_found"
handler400 = "metricvault.pages.bad_request"
handler403 = "metricvault.pages.forbidden"
handler500 = "metricvault.pages.server_error"

urlpatterns = [
    path("", pages.home, name="home"),
    path("healthz", pages.healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", include("projects.admin_urls")),  # one door: who logs in to the administration does so at /accounts/
    path("admin/", admin.site.urls),
    path("accounts/tokens/", tokens, name="tokens"),
    path("accounts/tokens/<int:pk>/revoke", revoke, name="token-revoke"),
    path("audit/", audit_views.everything, name="audit"),
    path("audit/audit.csv", audit_views.csv_of_everything, name="audit-csv"),
    path("accounts/", include("projects.account_urls")),
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
    path("projects/", include("projects.urls")),
    path("", include("loadtests.target_urls")),  # projects/N/targets, targets/requests
    path("tests/", include("loadtests.urls")),
    path("runs/", include("history.urls")),
    path("runs/", include("loadtests.dashboards.urls")),
    path("runs/<int:pk>/log/live", live_log, name="live-log"),
    path("sse/k6-data", k6_data, name="k6-data"),
    path("ingest/<int:run_id>/write", ingest, name="ingest"),
    path("ingest/<int:run_id>/token/<slug:key>", token, name="token"),
    path("", api.urls),
]
