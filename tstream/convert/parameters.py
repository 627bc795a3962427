"""A strategy's parameters: what each may be, and what is wrong with those that a bot is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tstream.errors import Problem
from tstream.settings.problems import shown

_SAID = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")

Schema = Mapping[str, Any]


def parameters(config: type[msgspec.Struct]) -> dict[str, str]:
    """The parameters of a Config, and what each may be, in words."""
    schema, known = _schema(config)
    return {name: _words(field, known) for name, field in schema["properties"].items()}


def tables(config: type[msgspec.Struct]) -> dict[str, dict[str, dict[str, str]]]:
    """Of the parameters that are tables, or lists of them: by kind what stands in one, in words."""
    schema, known = _schema(config)
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, field in schema["properties"].items():
        one = field.get("items", field)
        for kind in one.get("discriminator", {}).get("mapping", {}):
            inside = _inside(one, {"kind": kind}, known)["properties"].items()
            words = {key: _words(each, known) for key, each in inside if key != "kind"}
            found.setdefault(name, {})[kind] = words
    return found


def problems(config: type[msgspec.Struct], params: Mapping[str, Any], where: str) -> list[Problem]:
    """What is wrong with the parameters, each by itself; a wrong one inside a table is named by its path.
    `where` is what they are called in the settings.
    """
    schema, known = _schema(config)
    hints = {field.name: field.type for field in msgspec.structs.fields(config)}
    wrong: list[Problem] = []
    for name, value in params.items():
        alone = msgspec.defstruct("Alone", [(name, hints[name])])
        try:
            msgspec.convert({name: value}, alone)
        except msgspec.ValidationError as error:
            wrong.append(_problem(str(error), params, schema, known, where))
    return wrong


def _schema(config: type[msgspec.Struct]) -> tuple[Schema, Schema]:
    """The one of a Config, and those of what it is made of by reference."""
    ((reference,), known) = msgspec.json.schema_components([config])
    return known[reference["$ref"].rpartition("/")[2]], known


def _problem(said: str, params: Any, field: Schema, known: Schema, where: str) -> Problem:
    found = _SAID.fullmatch(said)
    what, path = (found["what"], found["path"] or "") if found else (said, "")
    value = params
    for name, index in _STEP.findall(path):
        field = _inside(field, value, known)
        field = field.get("properties", {}).get(name, {}) if name else field.get("items", {})
        value = _at(value, name or int(index))
    unknown = _UNKNOWN.fullmatch(what)
    if unknown:
        has = [name for name in _inside(field, value, known).get("properties", {}) if name != "kind"]
        return Problem(f"{where}{path}.{unknown[1]}", f"unknown parameter; there are {', '.join(has)}")
    if what.startswith("Object missing required field `kind`"):
        return Problem(f"{where}{path}.kind", f"is missing; it must be {_words(field, known)}")
    if path.endswith(".kind"):
        return Problem(f"{where}{path}", f"must be {_words(field, known)}", shown(value))
    if what.startswith(("Expected", "Invalid")):
        return Problem(f"{where}{path}", f"must be {_words(field, known)}", shown(value))
    return Problem(f"{where}{path}", what, shown(value))


def _at(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _inside(field: Schema, value: Any, known: Schema) -> Schema:
    """What a table is made of: one of several, by its kind."""
    reference = field.get("$ref", "")
    if "discriminator" in field:
        mapping = field["discriminator"]["mapping"]
        kind = value.get("kind") if isinstance(value, Mapping) else None
        if kind not in mapping:
            return {"properties": {"kind": {"enum": list(mapping)}}}
        reference = mapping[kind]
    return known[reference.rpartition("/")[2]] if reference else field


def _words(field: Schema, known: Schema) -> str:
    """What a field may be."""
    if "$ref" in field:
        field = known[field["$ref"].rpartition("/")[2]]
    if "discriminator" in field:
        return f"a table whose kind is one of {', '.join(field['discriminator']['mapping'])}"
    if field.get("type") == "array":
        return f"a list, each {_words(field['items'], known)}" if "items" in field else "a list"
    if "enum" in field:
        return "one of " + ", ".join(map(str, field["enum"]))
    kind = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
    parts = [kind.get(field.get("type", ""), "a value")]
    for name, word in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    ):
        if name in field:
            parts.append(f"{word} {field[name]}")
    return ", ".join(parts)
