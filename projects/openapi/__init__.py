"""OpenAPI and Swagger documents, without Django: bytes -> document -> endpoints with ready examples."""

from projects.openapi.extract import ApiDocument, EndpointInfo, TagInfo, extract_api
from projects.openapi.forms import body_of
from projects.openapi.read import MAX_BYTES, ReadDocument, read_document
from projects.openapi.wording import DocumentError, DocumentTooLarge, Sentence, Warning

__all__ = [
    "MAX_BYTES",
    "ApiDocument",
    "DocumentError",
    "DocumentTooLarge",
    "EndpointInfo",
    "ReadDocument",
    "Sentence",
    "TagInfo",
    "Warning",
    "body_of",
    "extract_api",
    "read_document",
]
