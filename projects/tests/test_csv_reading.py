"""CSV files as spreadsheet programs write them, Korean ones above all."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metricvault.lib.errors import Refused
from projects import csv_reading
from projects.csv_reading import Table, read_csv
from tests.examples import examples

KOREAN = [
    ["이름", "이메일", "주소"],
    ["홍길동", "hong@example.kr", "서울, 종로구"],
    ["김뷁", "kim@example.kr", '"둘째" 줄\n아래'],
]


def spreadsheet(rows: list[list[str]], encoding: str, delimiter: str = ",", end: str = "\r\n") -> bytes:
    """As Excel and LibreOffice write it: quotes where they are needed."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("written", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp949", "cp949"), ("utf-16", "utf-16")],
)
def test_korean_spreadsheets_come_as_they_were_written(written: str, found: str, delimiter: str) -> None:
    table = read_csv(spreadsheet(KOREAN, written, delimiter))
    assert table == Table(("이름", "이메일", "주소"), KOREAN[1:], found, delimiter)


def test_big_endian_utf16_is_read_by_its_mark() -> None:
    data = b"\xfe\xff" + "이름\n홍길동\n".encode("utf-16-be")
    assert read_csv(data).rows == [["홍길동"]]


def test_a_person_may_say_how_it_is_written() -> None:
    assert read_csv(spreadsheet([["n"], ["é½"]], "cp1252"), "cp1252").rows == [["é½"]]
    assert read_csv(spreadsheet([["名前"], ["太郎"]], "shift_jis"), "shift_jis").rows == [["太郎"]]
    assert read_csv(spreadsheet(KOREAN, "utf-8-sig"), "cp949").columns[0] == "이름"  # a mark is surer than a person


def test_separator_lines_old_line_ends_and_empty_lines_are_understood() -> None:
    expected = [["1", "2"], ["3", ""]]
    assert read_csv(b"sep=;\r\na;b\r\n1;2\r\n3;\r\n").rows == expected
    assert read_csv(b"a,b\r1,2\r3,\r").rows == expected
    assert read_csv(b"\n\na,b\n\n1,2\n,\n3,\n,,,\n").rows == expected
    assert read_csv(b"a,b,,\n1,2,,\n3,,,\n").columns == ("a", "b")
    assert read_csv(b'"x;y;z;",b\n1,2\n').delimiter == ","


def test_one_column_needs_no_delimiter() -> None:
    assert read_csv("주문\n1\n2".encode()) == Table(("주문",), [["1"], ["2"]], "utf-8", ",")


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("이름", "이름"),
        (" First  Name ", "First Name"),
        ("\u1112\u1169\u11bc", "홍"),  # as a Mac decomposes it
        ("address.city", "address_city"),
        ('a{{b}}"\\', "a_b_"),
        ("$id", "$id"),
    ],
)
def test_columns_are_called_as_they_can_stand_in_a_placeholder(cell: str, name: str) -> None:
    assert csv_reading.column_name(cell) == name


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n\n,,\n", "is empty"),
        (b"a,b\n", "no rows below"),
        (b"a,b\n1,2\n3\n4,5,6\n7,8\n", r"2 values.*line 3 has 1, line 4 has 3"),
        (b"a,b\n" + b"1\n" * 9, r"line 6 has 1, …"),
        (b"a,,c,\n1,2,3,4\n", "no name in the first line: 2"),
        (b"a,b,a,b\n1,2,3,4\n", "twice: a, b"),
        (b"a.b,a b,a_b\n1,2,3\n", "twice: a_b"),
        (b"a\n1\x00\n", "NUL"),
        (b"PK\x03\x04...", "not CSV. Save it as"),
        (b'a,b\n1,"2\n3,4\n', "never closed"),
        (b'a,b\n1,"2"x\n', "Line 2 is not CSV"),
        ("a\nné\n".encode("cp1252"), r"utf-8, cp949 \(line 2\)"),
        (b"a\n" + b"x" * 32_768 + b"\n", "Line 2 has a value of more than 32767"),
        (b"a\n" + b"x" * 200_000 + b"\n", "Line 2 has a value of more than 32767"),
        (b"x" * 101 + b"\n1\n", "at most 100 characters"),
        (b"," * 100 + b"a\n1\n", "more than 100 columns"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(data: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        read_csv(data)
    assert caught.value.details[0].field == "file"


def test_there_are_limits_on_rows_cells_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reading, "MOST_ROWS", 2)
    assert len(read_csv(b"a\n1\n2\n").rows) == 2
    with pytest.raises(Refused, match="more than 2 rows"):
        read_csv(b"a\n1\n2\n3\n")
    monkeypatch.setattr(csv_reading, "MOST_CELLS", 3)
    with pytest.raises(Refused, match="or 3 values"):
        read_csv(b"a,b\n1,2\n3,4\n")
    monkeypatch.setattr(csv_reading, "MOST_BYTES", 5)
    with pytest.raises(Refused, match="larger than"):
        read_csv(b"a\n1\n2\n")


def test_an_encoding_that_is_not_known_is_refused() -> None:
    with pytest.raises(Refused, match="utf-8, cp949") as caught:
        read_csv(b"a\n1\n", "rot13")
    assert caught.value.details[0].field == "encoding"


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@settings(max_examples=examples(25), deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3).filter(any), min_size=1, max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_any_table_comes_back(rows: list[list[str]], encoding: str, delimiter: str) -> None:
    assert read_csv(spreadsheet([["이름", "b", "c"], *rows], encoding, delimiter)).rows == rows


NEARLY = st.text(st.sampled_from('a1가,;\t\r\n"""\' =|\x00'), max_size=60)


@settings(max_examples=examples(80), deadline=None)
@given(
    st.one_of(st.binary(max_size=60), NEARLY.map(lambda text: ("sep=" + text).encode()), NEARLY.map(str.encode)),
    st.sampled_from(["", *csv_reading.ENCODINGS]),
)
def test_any_bytes_are_a_table_or_refused(data: bytes, encoding: str) -> None:
    with suppress(Refused):
        table = read_csv(data, encoding)
        assert {len(row) for row in table.rows} == {len(table.columns)}
