"""What pydantic finds wrong is said in our words, in the reader's language."""

from typing import Annotated, Any, Literal

import pytest
from django.utils import translation
from pydantic import BaseModel, Field, ValidationError

from metricvault.lib.invalid import sentence


class Thing(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=3)] = "a"
    number: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, le=99.5)] = 1.0
    yes: bool = True
    kind: Literal["a", "b", "c"] = "a"
    items: Annotated[list[int], Field(max_length=2)] = []
    names: dict[str, str] = {}


def said(**values: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Thing(**values)
    return [sentence(problem) for problem in caught.value.errors()]


@pytest.mark.parametrize(
    ("values", "english", "korean"),
    [
        ({"title": ""}, "Write a value.", "값을 적으세요."),
        ({"title": 5}, "Write text.", "텍스트를 적으세요."),
        ({"title": "long"}, "At most 3 characters.", "최대 3자까지 됩니다."),
        ({"number": "x"}, "Write a whole number.", "정수를 적으세요."),
        ({"number": 1.5}, "Write a whole number.", "정수를 적으세요."),
        ({"number": 0}, "Write a number of at least 1.", "1 이상의 숫자를 적으세요."),
        ({"number": 10}, "Write a number of at most 9.", "9 이하의 숫자를 적으세요."),
        ({"share": 0}, "Write a number above 0.", "0보다 큰 숫자를 적으세요."),
        ({"share": 100}, "Write a number of at most 99.5.", "99.5 이하의 숫자를 적으세요."),
        ({"share": "x"}, "Write a number.", "숫자를 적으세요."),
        ({"yes": "perhaps"}, "Write true or false.", "true 또는 false를 적으세요."),
        ({"items": 1}, "Write a list.", "목록을 적으세요."),
        ({"items": [1, 2, 3]}, "At most 2 of them.", "최대 2개까지 됩니다."),
        ({"names": []}, "Write an object with names and values.", "이름과 값이 있는 객체를 적으세요."),
        (
            {"kind": "d"},
            "“d” is not known here. Write one of: a, b, c.",
            "“d”은(는) 쓸 수 없는 값입니다. 다음 가운데 하나를 적으세요: a, b, c.",
        ),
    ],
)
def test_each_kind_of_error_has_its_sentence(values: dict[str, Any], english: str, korean: str) -> None:
    with translation.override("en"):
        assert said(**values) == [english]
    with translation.override("ko"):
        assert said(**values) == [korean]


def test_the_choices_are_named_where_the_value_is_not_known() -> None:
    problem = {"type": "literal_error", "ctx": {"expected": "'a' or 'b'"}}
    with translation.override("en"):
        assert sentence(problem) == "Write one of: a, b."


def test_a_kind_nobody_thought_of_still_gets_a_sentence() -> None:
    with translation.override("en"):
        assert sentence({"type": "url_scheme", "msg": "whatever"}) == "This value cannot be used."
