"""A finished run as files: CSV tables, one JSON document, a report to read and print, JUnit XML, pictures of charts.

Every number is a column of the models, as it is stored; nothing is computed here. Pages and the API answer with the
same functions (`answers.py`). docs/exports.md describes the formats.
"""
