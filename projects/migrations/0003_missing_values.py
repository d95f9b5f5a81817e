from django.db import migrations


def note_missing_values(apps, schema_editor):
    """Endpoints that are there get what `projects.openapi.readiness` says of them; later ones by their import."""
    from projects.openapi.readiness import missing_values

    Endpoint = apps.get_model("projects", "Endpoint")
    lacking = []
    for row in Endpoint.objects.only("parameters", "request_body").iterator(chunk_size=500):
        try:
            row.missing = list(missing_values(row.parameters, row.request_body))
        except (KeyError, TypeError, AttributeError):  # changed by hand in the administration
            continue
        if row.missing:
            lacking.append(row)
    Endpoint.objects.bulk_update(lacking, ["missing"], batch_size=200)


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0002_sources'),
    ]

    operations = [
        # Backwards there is nothing to do: endpoints that were marked as removed go with the next import.
        migrations.RunPython(note_missing_values, migrations.RunPython.noop),
    ]
