"""A small shop API to put under load: its response times, its error rate and what it received are known exactly."""
