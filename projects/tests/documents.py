"""Small documents of our own for the tests: every shape that published ones show, without needing them."""

from pathlib import Path
from typing import Any

from projects.openapi import ApiDocument, EndpointInfo, extract_api, read_document

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "specs"


def published_documents() -> list[Path]:
    """The published documents that are at hand: all or none."""
    folder = PUBLISHED / "documents"
    return sorted(folder.iterdir()) if folder.is_dir() else []


ORDERS = """
openapi: 3.1.0
info: {title: 주문 API, version: "1.10"}
servers: [{url: "https://{stage}.example.com/v1", variables: {stage: {default: api}}}]
tags:
  - {name: orders, description: Orders and their lines}
  - {name: never used}
paths:
  /orders/{orderId}:
    parameters:
      - {name: orderId, in: path, required: true, schema: {type: integer, minimum: 100}}
      - {name: lang, in: query, schema: {type: string, enum: [en, ko]}}
    get:
      operationId: readOrder
      tags: [orders]
      summary: Read an order
      parameters:
        - {name: lang, in: query, schema: {type: string, default: ko}}
        - $ref: "#/components/parameters/trace"
      responses: {"200": {description: ok}}
    delete: {deprecated: true, responses: {"204": {description: gone}}}
  /orders:
    post:
      tags: [orders, write]
      requestBody: {$ref: "#/components/requestBodies/order"}
      responses: {"201": {description: made}}
      callbacks: {done: {"{$request.body#/url}": {post: {responses: {"200": {description: ok}}}}}}
  x-internal: {get: {responses: {}}}
webhooks:
  orderPaid: {post: {responses: {"200": {description: ok}}}}
components:
  parameters:
    trace: {name: X-Trace, in: header, schema: {type: string, format: uuid}}
  requestBodies:
    order:
      required: true
      content:
        application/xml: {schema: {$ref: "#/components/schemas/Order"}}
        application/json: {schema: {$ref: "#/components/schemas/Order"}}
  schemas:
    Order:
      type: object
      required: [item, count]
      properties:
        id: {type: integer, readOnly: true}
        item: {type: string, examples: [커피]}
        count: {type: integer, minimum: 2}
        parent: {$ref: "#/components/schemas/Order"}
"""

PETS_20 = {
    "swagger": "2.0",
    "info": {"title": "Pets", "version": "1"},
    "host": "pets.example.com",
    "basePath": "/api",
    "schemes": ["https"],
    "consumes": ["application/json"],
    "paths": {
        "/pets": {
            "get": {"parameters": [{"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}}]},
            "post": {"parameters": [{"name": "pet", "in": "body", "required": True, "schema": {"type": "object"}}]},
        },
        "/pets/{id}/photo": {
            "post": {
                "consumes": ["multipart/form-data"],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "type": "string", "x-example": "p1"},
                    {"name": "photo", "in": "formData", "type": "file", "required": True},
                    {"name": "title", "in": "formData", "type": "string"},
                ],
            }
        },
    },
}


EVERY_SHAPE = """
openapi: 3.2.0
info: {title: 모든 모양, version: "1"}
servers: [{url: "https://api.example.com"}]
paths:
  /plain/{id}/{ids}/{label}/{matrix}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string, minLength: 3, example: "a/b c?"}}
      - {name: ids, in: path, required: true, schema: {type: array, items: {type: integer}, minItems: 2}}
      - {name: label, in: path, required: true, style: label, schema: {type: string, enum: [x]}}
      - {name: matrix, in: path, required: true, style: matrix, schema: {type: integer}}
    get:
      parameters:
        - {name: tag, in: query, required: true, schema: {type: array, items: {enum: [한글, "b&c"]}, minItems: 2}}
        - {name: csv, in: query, required: true, explode: false, schema: {type: array, items: {type: string}, minItems: 2}}
        - name: space
          in: query
          required: true
          style: spaceDelimited
          explode: false
          schema: {type: array, items: {type: integer}, minItems: 3}
        - name: pipe
          in: query
          required: true
          style: pipeDelimited
          explode: false
          schema: {type: array, items: {type: boolean}, minItems: 2}
        - name: deep
          in: query
          required: true
          style: deepObject
          schema: {type: object, required: [a], properties: {a: {type: integer}, b: {type: array, items: {type: string}}}}
        - {name: spread, in: query, schema: {type: object, properties: {from: {type: integer}, to: {type: integer}}}}
        - name: filter
          in: query
          required: true
          content: {application/json: {schema: {type: object, required: [q], properties: {q: {type: string}}}}}
        - {name: X-List, in: header, required: true, schema: {type: array, items: {type: integer}, minItems: 2}}
        - {name: X-Trace, in: header, schema: {type: string, format: uuid}}
        - {name: session, in: cookie, required: true, schema: {type: string, pattern: "^[a-f0-9]{8}$"}}
        - {name: url, in: query, allowReserved: true, schema: {type: string, format: uri}}
  /search:
    query:
      requestBody: {content: {application/json: {schema: {type: object, properties: {q: {type: string}}}}}}
    additionalOperations:
      COPY: {responses: {"204": {description: ok}}}
  /bodies:
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
    put:
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, required: [a, b], properties: {a: {type: string}, b: {type: array, items: {type: integer}}}}
            encoding: {b: {explode: false}}
    patch:
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              required: [file, meta]
              properties: {file: {type: string, format: binary}, meta: {$ref: "#/components/schemas/Pet"}}
    delete: {requestBody: {content: {text/plain: {schema: {type: string, example: 안녕}}}}}
    options: {requestBody: {content: {application/xml: {example: "<pet><name>보리</name></pet>"}}}}
components:
  schemas:
    Pet:
      oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}]
      discriminator: {propertyName: kind, mapping: {cat: "#/components/schemas/Cat"}}
    Animal:
      type: object
      required: [kind, name, id]
      properties:
        id: {type: integer, readOnly: true}
        kind: {type: string}
        name: {type: string, minLength: 1, maxLength: 5}
        secret: {type: string, writeOnly: true}
        friends: {type: array, items: {$ref: "#/components/schemas/Pet"}}
    Cat:
      allOf: [{$ref: "#/components/schemas/Animal"}, {type: object, required: [lives], properties: {kind: {const: cat}, lives: {type: integer, maximum: 9}}}]
    Dog:
      allOf: [{$ref: "#/components/schemas/Animal"}, {type: object, required: [barks], properties: {kind: {const: dog}, barks: {type: boolean}}}]
"""  # noqa: E501


def extracted(source: str | bytes | dict[str, Any], source_url: str = "") -> ApiDocument:
    """The whole way from text, or from a parsed document, to endpoints."""
    document = source if isinstance(source, dict) else read_document(source).document
    return extract_api(document, source_url)


def with_paths(paths: Any, **more: Any) -> dict[str, Any]:
    """An OpenAPI 3.1 document around `paths`."""
    head = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "servers": [{"url": "https://api.example.com"}]}
    return {**head, "paths": paths, **more}


def operation(api: ApiDocument, name: str) -> EndpointInfo:
    """The endpoint called "METHOD /path"."""
    return next(endpoint for endpoint in api.endpoints if f"{endpoint.method} {endpoint.path}" == name)
