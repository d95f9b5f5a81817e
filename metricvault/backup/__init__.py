"""One file that holds all that cannot be made again, and the way back (`manage.py backup`, `manage.py restore`).

What is in it: every row of the database but those of logins (sessions): users, roles, hashes of API tokens, projects,
documents, plans, data files, results with their courses, logs and reports, the audit; secrets as they lie in the
database, sealed. What is not: the keys that unseal them, settings, what InfluxDB keeps (raw pushes, Grafana's seconds),
working folders of runs that go on.
"""

from metricvault.backup.archive import BadBackup, Manifest
from metricvault.backup.making import make_backup
from metricvault.backup.restoring import NotRestored, restore_backup

__all__ = ["BadBackup", "Manifest", "NotRestored", "make_backup", "restore_backup"]
