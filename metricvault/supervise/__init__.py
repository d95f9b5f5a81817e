"""`make run`: one copy of Metric Vault on this machine, all its processes under one supervisor (supervisord).

`python -m metricvault.supervise` runs until Ctrl-C; with `--check` it only says whether it could start, with nothing
but Python's standard library.
"""

from metricvault.supervise.programs import find_redis_server

__all__ = ["find_redis_server"]
