"""Every part of the product killed or stopped in the middle of a run: `python -m tests.faults` prints a table."""
