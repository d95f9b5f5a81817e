"""What history tells the rooms above it, which it may not import."""

from django.dispatch import Signal

# Sent with `run_id` when a load generator made its closing push: k6 is about to end.
load_ended = Signal()
