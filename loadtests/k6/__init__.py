"""From a plan to what k6 is given: pure, free of Django."""
