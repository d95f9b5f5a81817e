"""Runs of before get the sum of their endpoints, so that they can be compared by it."""

from django.db import migrations

from history.baselines import endpoint_set


def fill(apps, schema_editor):
    run_model = apps.get_model("history", "TestHistory")
    for run in run_model.objects.filter(endpoint_set="").only("pk").iterator(chunk_size=500):
        steps = apps.get_model("history", "StepHistory").objects.filter(scenario__test_history=run)
        names = list(steps.values_list("request_name", flat=True))
        if not names:  # of before there were steps
            rows = apps.get_model("history", "ScenarioHistory").objects.filter(test_history=run)
            names = list(rows.values_list("request_name", flat=True))
        found = endpoint_set(names)
        run_model.objects.filter(pk=run.pk).update(endpoint_set=found)


class Migration(migrations.Migration):

    dependencies = [
        ("history", "0007_results"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
