"""A document in several files, imported as a zip of them."""

import io
import json
import stat
import zipfile
from typing import Any

import pytest

from projects.openapi import DocumentError, DocumentTooLarge, ReadDocument, read_document
from projects.tests.documents import PUBLISHED, extracted, operation

ROOT = """
openapi: 3.1.0
info: {title: 여러 파일, version: "1"}
servers: [{url: "https://api.example.com"}]
paths:
  /pets: {$ref: "paths/pets.yaml"}
  /owners: {$ref: "./paths/owners.json#/list"}
components:
  schemas:
    Id: {type: integer, minimum: 7}
"""
PETS = """
post:
  tags: [pets]
  parameters:
    - $ref: "../parameters/limit%20of.yaml"
  requestBody:
    content:
      application/json: {schema: {$ref: "../schemas/Pet.yaml"}}
"""
OWNERS = {
    "list": {"get": {"parameters": [{"$ref": "#/shared/page"}]}},
    "shared": {"page": {"name": "page", "in": "query"}},
}
PET = """
type: object
required: [id, owner]
properties:
  id: {$ref: "../openapi.yaml#/components/schemas/Id"}
  size: {$ref: "#/components/schemas/Id"}
  owner: {$ref: "Owner.yaml#/definitions/Owner"}
"""
OWNER = """
definitions:
  Owner: {type: object, properties: {name: {$ref: "#/definitions/Name"}, pets: {type: array, items: {$ref: Pet.yaml}}}}
  Name: {type: string, examples: [영희]}
"""
FILES: dict[str, Any] = {
    "api/openapi.yaml": ROOT,
    "api/paths/pets.yaml": PETS,
    "api/paths/owners.json": json.dumps(OWNERS),
    "api/parameters/limit of.yaml": "{name: limit, in: query, schema: {type: integer, default: 5}}",
    "api/schemas/Pet.yaml": PET,
    "api/schemas/Owner.yaml": OWNER,
    "api/README.md": "openapi: of no matter",
}


def zipped(files: dict[str, Any], **how: Any) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", **{"compression": zipfile.ZIP_DEFLATED, **how}) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def messages(found: ReadDocument) -> list[str]:
    return [warning.message for warning in found.warnings]


def test_files_refer_to_each_other_with_and_without_fragments_and_in_circles() -> None:
    found = read_document(zipped(FILES))
    api = extracted(found.document)
    assert messages(found) + [warning.message for warning in api.warnings] == []
    pets = operation(api, "POST /pets")
    assert pets.request_body is not None
    assert pets.request_body["content"][0]["value"] == {"id": 7, "size": 7, "owner": {"name": "영희", "pets": []}}
    assert [(one["name"], one["value"]) for one in pets.parameters] == [("limit", 5)]
    assert [one["name"] for one in operation(api, "GET /owners").parameters] == ["page"]


def test_what_was_read_can_be_read_again() -> None:
    found = read_document(zipped(FILES))
    again = read_document(found.text)
    assert (again.document, again.syntax) == (found.document, "json")


def test_the_shallowest_document_is_the_root() -> None:
    files = {"old/v1/openapi.json": json.dumps({"openapi": "3.0.0", "info": {"title": "old"}, "paths": {}}), **FILES}
    assert read_document(zipped(files)).document["info"]["title"] == "여러 파일"


def test_of_several_documents_the_first_is_read_and_the_others_are_named() -> None:
    document = "openapi: 3.0.0\ninfo: {title: %s, version: '1'}\npaths: {}"
    found = read_document(zipped({"b.yaml": document % "B", "a.yaml": document % "A"}))
    assert found.document["info"]["title"] == "A"
    assert messages(found) == ["The zip holds several documents. “a.yaml” was read, not b.yaml."]


def test_a_discriminator_names_files() -> None:
    root = """
openapi: 3.0.3
info: {title: T, version: "1"}
paths:
  /a:
    post:
      requestBody:
        content:
          application/json:
            schema:
              oneOf: [{$ref: ./models/Cat.yaml}]
              discriminator: {propertyName: kind, mapping: {tom: ./models/Cat.yaml}}
"""
    cat = "{type: object, required: [kind], properties: {kind: {type: string}}}"
    api = extracted(read_document(zipped({"openapi.yaml": root, "models/Cat.yaml": cat})).document)
    body = operation(api, "POST /a").request_body
    assert body is not None
    assert body["content"][0]["value"] == {"kind": "tom"}
    plain = root.replace("mapping: {tom: ./models/Cat.yaml}", "")
    body = operation(
        extracted(read_document(zipped({"openapi.yaml": plain, "models/Cat.yaml": cat})).document), "POST /a"
    ).request_body
    assert body is not None
    assert body["content"][0]["value"] == {"kind": "Cat"}


@pytest.mark.parametrize(
    "reference",
    [
        "../../etc/passwd.yaml",
        "/etc/passwd",
        "file:///etc/passwd",
        "https://example.com/Pet.yaml",
        "missing.yaml",
        "..",
    ],
)
def test_a_reference_out_of_the_zip_is_not_followed(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the zip made the reader open something")

    data = zipped({"a/openapi.yaml": f'openapi: 3.0.0\npaths:\n  /a: {{$ref: "{reference}"}}\n  /b: {{get: {{}}}}'})
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("socket.socket", refuse)
    api = extracted(read_document(data).document)
    assert [endpoint.path for endpoint in api.endpoints] == ["/b"]
    assert any(warning.where == "/a" for warning in api.warnings)


@pytest.mark.parametrize("name", ["../openapi.yaml", "/openapi.yaml", "a/../../openapi.yaml", "..\\openapi.yaml"])
def test_a_name_that_leads_out_of_the_zip_is_no_file(name: str) -> None:
    with pytest.raises(DocumentError, match="holds no OpenAPI document"):
        read_document(zipped({name: ROOT}))


def test_a_symbolic_link_is_no_file() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        link = zipfile.ZipInfo("openapi.yaml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "openapi: /etc/passwd")
    with pytest.raises(DocumentError, match="holds no OpenAPI document"):
        read_document(data.getvalue())


def test_a_bomb_ends_where_the_limit_is() -> None:
    bomb = zipped({"openapi.yaml": b"openapi: 3.0.0\n" + b" " * 21 * 1024 * 1024})
    assert len(bomb) < 100_000
    with pytest.raises(DocumentTooLarge, match="20 MB together"):
        read_document(bomb)


def test_many_small_files_count_together() -> None:
    part = b"a: " + b"x" * 1024 * 1024
    names = [f"f{number}.yaml" for number in range(25)]
    root = "openapi: 3.0.0\npaths:\n" + "".join(f"  /{name}: {{$ref: parts/{name}}}\n" for name in names)
    with pytest.raises(DocumentTooLarge, match="20 MB together"):
        read_document(zipped({"openapi.yaml": root, **{f"parts/{name}": part for name in names}}))


def test_aliases_in_many_files_count_together() -> None:
    bomb = "a: &a [%s]\nb: &b [%s]\nc: [%s]" % ("1," * 100, "*a," * 90, "*b," * 90)  # noqa: UP031
    names = [f"f{number}.yaml" for number in range(5)]
    root = "openapi: 3.0.0\npaths:\n" + "".join(f"  /{name}: {{$ref: {name}}}\n" for name in names)
    with pytest.raises(DocumentTooLarge, match="values together"):
        read_document(zipped({"openapi.yaml": root, **dict.fromkeys(names, bomb)}))


def test_too_many_files_are_refused() -> None:
    with pytest.raises(DocumentTooLarge, match="more than 5000 files"):
        read_document(zipped({f"{number}": "" for number in range(5001)}, compression=zipfile.ZIP_STORED))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped({}), "holds no OpenAPI document"),
        (zipped({"word/document.xml": "<xml/>", "[Content_Types].xml": ""}), "holds no OpenAPI document"),
        (zipped({"openapi.yaml": "openapi: [3.0"}), "line 2"),
        (zipped({"inner.zip": zipped(FILES)}), "holds no OpenAPI document"),
        (zipped(FILES)[:400], "damaged"),
        (b"PK\x03\x04" + bytes(range(256)), "damaged"),
        (zipped({"openapi.yaml": ROOT}, compression=zipfile.ZIP_LZMA), "packed in a way"),
    ],
)
def test_it_says_what_is_wrong_with_a_zip(data: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        read_document(data)


def test_a_damaged_file_within_is_a_sentence() -> None:
    data = bytearray(zipped({"openapi.yaml": ROOT}))
    data[60] ^= 0xFF
    with pytest.raises(DocumentError, match="damaged"):
        read_document(bytes(data))


def test_names_that_windows_wrote_in_korean_are_found() -> None:
    root = "openapi: 3.0.0\npaths:\n  /a: {$ref: 경로.yaml}"
    data = zipped({"openapi.yaml": root, "zzzz.yaml": "get: {summary: 찾음}"})
    written = data.replace(b"zzzz.yaml", "경로.yaml".encode("cp949"))
    assert [one.summary for one in extracted(read_document(written).document).endpoints] == ["찾음"]


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs the published documents in ../shared/specs")
def test_a_published_document_in_several_files() -> None:
    folder = PUBLISHED / "multi" / "petstore-separate-20"
    data = zipped({str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.yaml"))})
    api = extracted(read_document(data).document)
    assert [f"{one.method} {one.path}" for one in api.endpoints] == [
        "GET /pets", "POST /pets", "GET /pets/{id}", "DELETE /pets/{id}",
    ]  # fmt: skip
    assert api.warnings == ()
    body = operation(api, "POST /pets").request_body
    assert body is not None
    assert set(body["content"][0]["value"]) == {"id", "name", "tag", "description"}
