from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('loadtests', '0005_steps'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='scenario',
            name='body',
        ),
        migrations.RemoveField(
            model_name='scenario',
            name='content_type',
        ),
        migrations.RemoveField(
            model_name='scenario',
            name='endpoint',
        ),
        migrations.RemoveField(
            model_name='scenario',
            name='values',
        ),
    ]
