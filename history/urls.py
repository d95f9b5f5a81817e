"""Pages of runs."""

from django.urls import path

from history import (
    comparing_views,
    importing_views,
    labelling_views,
    run_list,
    trash_views,
    trends_views,
    views,
)
from history.exports import views as files

app_name = "history"
urlpatterns = [
    path("", run_list.run_list, name="list"),
    path("<int:pk>/", views.run, name="run"),
    path("<int:pk>/generators/", views.generators, name="generators"),
    path("<int:pk>/span/", views.span, name="span"),
    path("<int:pk>/series/", views.series, name="series"),
    path("<int:pk>/seconds/", views.seconds, name="seconds"),
    path("<int:pk>/stages/", views.stages, name="stages"),
    path("<int:pk>/failures/", views.failures, name="failures"),
    path("<int:pk>/log", views.log, name="log"),
    path("<int:pk>/script", views.script, name="script"),
    path("<int:pk>/k6-report/<slug:instance>/", views.report, name="k6-report"),
    path("import/", importing_views.import_run, name="import"),
    path("<int:pk>/export.csv", files.csv_file, name="export-csv"),
    path("<int:pk>/export.json", files.json_file, name="export-json"),
    path("<int:pk>/export.zip", files.zip_file, name="export-zip"),
    path("<int:pk>/report.html", files.html_file, name="report"),
    path("<int:pk>/junit.xml", files.junit_file, name="junit"),
    path("<int:pk>/chart/<slug:name>.svg", files.chart_file, name="chart"),
    path("compare/", comparing_views.compare, name="compare"),
    path("trends/", trends_views.trends, name="trends"),
    path("<int:pk>/against-baseline/", comparing_views.against_baseline, name="against-baseline"),
    path("chosen/", run_list.chosen, name="chosen"),
    path("deleted/", run_list.deleted, name="deleted"),
    path("delete/ask/", trash_views.ask, name="ask_delete"),
    path("delete/", trash_views.delete, name="delete"),
    path("restore/", trash_views.restore, name="restore"),
    path("<int:pk>/labels/add", labelling_views.add_labels, name="add_labels"),
    path("<int:pk>/labels/remove", labelling_views.remove_label, name="remove_label"),
    path("<int:pk>/release", labelling_views.release, name="release"),
    path("<int:pk>/pin", labelling_views.pin, name="pin"),
    path("<int:pk>/baseline", labelling_views.baseline, name="baseline"),
    path("<int:pk>/notes/add", labelling_views.add_note, name="add_note"),
    path("<int:pk>/notes/<int:note_pk>/change", labelling_views.change_note, name="change_note"),
    path("<int:pk>/notes/<int:note_pk>/delete", labelling_views.delete_note, name="delete_note"),
]
