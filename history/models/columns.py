"""JSON columns of hundreds of thousands of numbers, written and read by orjson: several times as fast as the standard
library, and the same text but for its spaces."""

import json
from typing import Any

import orjson
from django.db import models


class FastEncoder(json.JSONEncoder):
    """For a JSONField; of plain values only."""

    def encode(self, o: Any) -> str:
        """The text of `o`."""
        return orjson.dumps(o).decode()


class FastDecoder(json.JSONDecoder):
    """For a JSONField."""

    def decode(self, s: str, *args: Any) -> Any:
        """The value of the text `s`."""
        return orjson.loads(s)


class Columns(models.JSONField):
    """Such a column; to the database it is a JSONField like any other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "encoder": FastEncoder, "decoder": FastDecoder})

    def deconstruct(self) -> Any:
        """As a JSONField, which it is in the database."""
        name, _path, args, kwargs = super().deconstruct()
        del kwargs["encoder"], kwargs["decoder"]
        return name, "django.db.models.JSONField", args, kwargs
