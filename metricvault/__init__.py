"""Metric Vault: load testing of HTTP APIs without code."""

__version__ = "0.1.0"
