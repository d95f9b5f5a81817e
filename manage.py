#!/usr/bin/env python
import gc
import os
import sys

from django.core.management import execute_from_command_line

from metricvault.lib import commands

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")
    commands.begun = True
    gc.set_threshold(100_000)  # what is imported stays: there is little garbage in it to look for
    execute_from_command_line(sys.argv)
