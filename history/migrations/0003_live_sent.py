from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0002_warned_pinned'),
    ]

    operations = [
        migrations.AddField(
            model_name='testhistory',
            name='live_sent',
            field=models.JSONField(default=dict, verbose_name='published so far'),
        ),
    ]
