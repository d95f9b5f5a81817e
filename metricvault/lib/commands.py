"""Whether this process is a command that somebody typed (`manage.py …`), for the audit."""

begun = False
