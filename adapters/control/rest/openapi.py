"""OpenAPI 3.1, from the table of routes and the Structs in it."""

from __future__ import annotations

import inspect
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from adapters.control.rest.problem import Code, ProblemReply
from adapters.control.rest.routes import Route, parameters, problems, routes
from adapters.control.rest.shapes import schema_of

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
KEY_PATTERN = r"^[A-Za-z0-9._:-]{1,100}$"


def document(version: str) -> dict[str, Any]:
    """The whole description."""
    table = routes()
    kinds: list[Any] = [ProblemReply]
    for route in table:
        kinds += [route.reply, *(kind for kind in (route.body,) if kind is not None)]
    schemas, components = msgspec.json.schema_components(kinds, schema_hook=schema_of, ref_template=_REF)
    by_kind = dict(zip(kinds, schemas, strict=True))
    for kind in set(kinds) | _parts(kinds):
        _describe(kind, components.get(kind.__name__))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in table:
        paths[route.path][route.method.lower()] = _operation(route, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tstream",
            "version": version,
            "description": "Look at a running tstream engine and command it.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, by_kind: dict[Any, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "200": {"description": "Done.", "content": {_JSON: {"schema": by_kind[route.reply]}}}
    }
    by_status: dict[int, list[Code]] = defaultdict(list)
    for code in problems(route):
        by_status[code.status].append(code)
    for status, codes in sorted(by_status.items()):
        words = "; or ".join(f"{code.code}: {code.meaning}" for code in codes)
        answers[str(status)] = {
            "description": words,
            "content": {_JSON: {"schema": by_kind[ProblemReply]}},
        }
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.words,
        "description": f"Needs the scope {route.scope}.",
        "parameters": [*_path(route), *_query(route), *_key(route)],
        "responses": answers,
    }
    if route.open_here:
        operation["security"] = [{"bearer": []}, {}]
    if route.body is not None:
        content = {_JSON: {"schema": by_kind[route.body]}}
        operation["requestBody"] = {"required": route.body_needed, "content": content}
    return operation


def _path(route: Route) -> Iterator[dict[str, Any]]:
    for name, kind in parameters(route.path).items():
        yield {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(kind)}


def _query(route: Route) -> Iterator[dict[str, Any]]:
    if route.query is None:
        return
    schema = inlined(route.query)
    words = docs_of(route.query)
    for name, one in schema["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": words.get(name, ""),
            "schema": _without_null(one),
        }


def inlined(kind: type[Struct]) -> dict[str, Any]:
    """The schema of a Struct with what it refers to put in place, one level deep."""
    whole = msgspec.json.schema(kind, schema_hook=schema_of)
    defined = whole.pop("$defs", {})
    top = defined[kind.__name__]

    def put(one: Any) -> Any:
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name:
                return {**put(defined[name]), **{key: value for key, value in one.items() if key != "$ref"}}
            return {key: put(value) for key, value in one.items()}
        return [put(value) for value in one] if isinstance(one, list) else one

    inside: dict[str, Any] = put(top)
    return inside


def _without_null(one: dict[str, Any]) -> dict[str, Any]:
    """A parameter of an address is there or not; it is never null."""
    kinds = [kind for kind in one.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1:
        return dict(kinds[0])
    return one


def _key(route: Route) -> Iterator[dict[str, Any]]:
    if route.keyed:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "New for each order; the same again, with the same body, trades nothing twice.",
            "schema": {"type": "string", "pattern": KEY_PATTERN},
        }


def _parts(kinds: list[Any]) -> set[type[Struct]]:
    """Every Struct that is in these, however deep."""
    found: set[type[Struct]] = set()

    def walk(kind: Any) -> None:
        for name in ("fields", "types", "item_types"):
            for part in getattr(kind, name, ()):
                walk(part)
        for name in ("type", "item_type", "value_type"):
            if (part := getattr(kind, name, None)) is not None and not isinstance(part, type):
                walk(part)
        cls = getattr(kind, "cls", None)
        if isinstance(cls, type) and issubclass(cls, Struct) and cls not in found:
            found.add(cls)
            for field in kind.fields:
                walk(field.type)

    for kind in kinds:
        walk(msgspec.inspect.type_info(kind))
    return found


def _describe(kind: type[Struct], schema: dict[str, Any] | None) -> None:
    """Put the words that stand below the fields of a Struct to its properties."""
    if schema is None or "properties" not in schema:
        return
    for name, words in docs_of(kind).items():
        if name in schema["properties"]:
            one = schema["properties"][name]
            schema["properties"][name] = {**one, "description": words}


def docs_of(kind: type[Struct]) -> dict[str, str]:
    """What stands below the fields of a Struct, in words, by the field; read from its source once."""
    import ast

    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            found[before.target.id] = " ".join(after.value.value.split())
    return found
