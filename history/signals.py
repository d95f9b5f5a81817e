"""What history tells the rooms above it, which it may not import."""

from django.dispatch import Signal

# Sent with `run_id` when a load generator made its closing push: k6 is about to end.
load_ended = Signal()

# Sent with `run_id` when a target was missed for as long as the plan of the run allows: its load is to be ended.
target_missed = Signal()
