from django.db import migrations

_OF_THE_STEP = ("body", "content_type")


def _name_of_draft(name, step):
    return f"step.{step}.{name}" if name in _OF_THE_STEP or name.startswith("value.") else name


def make_steps(apps, schema_editor):
    """The request of each scenario becomes its one step."""
    Scenario = apps.get_model("loadtests", "Scenario")
    Step = apps.get_model("loadtests", "Step")
    for scenario in Scenario.objects.iterator(chunk_size=500):
        values = {name: value for name, value in scenario.values.items() if name != "typed"}
        step = Step.objects.create(
            scenario=scenario,
            endpoint_id=scenario.endpoint_id,
            values=values,
            body=scenario.body,
            content_type=scenario.content_type,
        )
        drafts = scenario.values.get("typed", {})
        if drafts:
            scenario.drafts = {_name_of_draft(name, step.pk): text for name, text in drafts.items()}
            scenario.save(update_fields=["drafts"])


def take_back_the_first(apps, schema_editor):
    """Backwards a scenario keeps its first step; what came after it is lost, as there is no place for it."""
    Scenario = apps.get_model("loadtests", "Scenario")
    Step = apps.get_model("loadtests", "Step")
    for scenario in Scenario.objects.iterator(chunk_size=500):
        step = Step.objects.filter(scenario=scenario).order_by("position", "id").first()
        if step is None:
            continue
        prefix = f"step.{step.pk}."
        drafts = {name.removeprefix(prefix): text for name, text in scenario.drafts.items()}
        scenario.endpoint_id, scenario.body, scenario.content_type = step.endpoint_id, step.body, step.content_type
        scenario.values = {**step.values, "typed": drafts} if drafts else step.values
        scenario.save(update_fields=["endpoint", "body", "content_type", "values"])
    Step.objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('loadtests', '0004_builder'),
    ]

    operations = [
        migrations.RunPython(make_steps, take_back_the_first),
    ]
