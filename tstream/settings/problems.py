"""From what pydantic found to one clear line for each problem."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tstream.errors import Problem
from tstream.settings.fields import OneOf, allowed
from tstream.settings.sources import PREFIX

LOGIN = "projectx"
"""The section that no file may hold."""
MASK = "**********"
_SHOWN = 60
_SECRET_NAME = re.compile(r"key|token|secret|passw|passphrase|credential|projectx", re.IGNORECASE)

Origin = Callable[[str], str]
"""Where a dotted key was set; empty when nobody set it."""


def walk(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of the settings, dotted, with its declaration; sections themselves left out."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from walk(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def entry(field: FieldInfo) -> type[BaseModel] | None:
    """The section that each entry of a list or table of sections is; None for any other key."""
    for part in get_args(field.annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def problems(errors: list[ErrorDetails], model: type[BaseModel], origin: Origin) -> list[Problem]:
    """One Problem for each error, in the order of the settings."""
    fields = dict(walk(model))
    # a list is not too short as well when what is left out of it is reported itself
    blamed = {error["loc"][:-1] for error in errors}
    told = (error for error in errors if error["type"] != "too_short" or error["loc"] not in blamed)
    found = (_problem(error, fields, model, origin) for error in told)
    return [problem for problem in found if problem is not None]


def shown(value: object, *, secret: bool = False) -> str:
    """A value as it may be printed: shortened, control characters escaped, masked if it may be a secret."""
    text = f"{value}" if isinstance(value, Decimal) else json.dumps(value, default=str, ensure_ascii=False)
    if secret or re.search(r"//[^/\s]*@", text):
        return MASK
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def holds_secret(field: FieldInfo) -> bool:
    """Whether a key is a secret, or a table of them."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def may_be_secret(key: str) -> bool:
    """Whether a key that nobody declared sounds like a secret's (a misspelt TSTREAM_PROJECTX_KEY)."""
    return _SECRET_NAME.search(key) is not None


def secret_keys(fields: Mapping[str, FieldInfo]) -> list[str]:
    """Dotted keys that a file may not hold: the whole login, and everything declared as a secret."""
    return [key for key, field in fields.items() if key.startswith(f"{LOGIN}.") or holds_secret(field)]


def variable(key: str) -> str:
    """The environment variable that sets a dotted key."""
    return PREFIX + key.replace(".", "_").upper()


def nearest(key: str, known: list[str], secret: Sequence[str] = ()) -> str:
    """A hint at the key that was probably meant: the same name elsewhere, or one spelt alike. Keys that are
    `secret` are named as the variables that they have to be.
    """
    section, _, name = key.rpartition(".")
    same = [other for other in known if other.rpartition(".")[2] == name]
    alike = same or get_close_matches(key, known, 1, 0.75)
    if alike:
        place = " (above the first [section])" if section and "." not in alike[0] else ""
        meant = f"{variable(alike[0])} in .env or the environment" if alike[0] in secret else alike[0]
        return f"; did you mean {meant}{place}?"
    if not section:
        tables = sorted({other.partition(".")[0] for other in known if "." in other})
        found = get_close_matches(key, tables, 1)
        if found == [LOGIN]:
            login = " and ".join(variable(one) for one in secret if one.startswith(LOGIN))
            return f"; did you mean {login} in .env or the environment?"
        return f"; did you mean [{found[0]}]?" if found else "; docs/configuration.md lists all keys"
    here = [other for other in known if other.rpartition(".")[0] == section and other not in secret]
    siblings = [other.rpartition(".")[2] for other in here]
    return f"; known here: {', '.join(siblings)}" if siblings else ""


def _problem(
    error: ErrorDetails, fields: dict[str, FieldInfo], model: type[BaseModel], origin: Origin
) -> Problem | None:
    kind = error["type"]
    if kind == "default_factory_not_called":
        return None  # a default that follows from a key which is itself reported
    is_entry_name = error["loc"][-1:] == ("[key]",)
    location = [part for part in error["loc"] if part != "[key]" and not _is_kind(part)]
    kinds = [str(part).removeprefix(OneOf.TAG) for part in error["loc"] if _is_kind(part)]
    context: dict[str, Any] = error.get("ctx", {})
    value: object = None if is_entry_name else error["input"]
    if "key" in context:
        location += context["key"].split(".")
        value = context.get("value")
    key = _dotted(location)
    known = fields | _entries(key, model, kinds)
    field = _declared(key, known)
    if kind == "extra_forbidden" and kinds:
        inside = f"{_dotted(location[:-1])}."
        here = [
            name.removeprefix(inside) for name in known if name.startswith(inside) and name[-5:] != ".kind"
        ]
        message = f'unknown key; kind "{kinds[-1]}" has {", ".join(here)}'
    elif kind == "extra_forbidden":
        message = "unknown key" + nearest(key, list(known), secret_keys(fields))
    elif kind == "check" and context["message"]:
        message = context["message"]
    elif kind in ("model_type", "model_attributes_type"):
        message = f"is a section: write [{key}] and its keys below it"
    elif kind == "missing" and field is not None:
        message = f"is needed: {allowed(field)}"
        value = None
    elif field is not None:
        message = f"must be {allowed(field)}"
    else:
        message = error["msg"]
    if kind == "extra_forbidden" and isinstance(value, (dict, list)):
        value = None  # whatever is in it, it may be a secret
    secret = holds_secret(field) if field else may_be_secret(key) or PREFIX in message
    return Problem(key, message, None if value is None else shown(value, secret=secret), origin(key))


def _is_kind(part: int | str) -> bool:
    return isinstance(part, str) and part.startswith(OneOf.TAG)


def _dotted(location: list[int | str]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _entries(key: str, model: type[BaseModel], kinds: Sequence[str] = ()) -> dict[str, FieldInfo]:
    """The keys of the entry of a list or table that `key` is in, however deep it lies; `kinds` are those of
    the tables on the way that may be of several.
    """
    known: dict[str, FieldInfo] = {}
    left = list(kinds)
    before, parts = "", key.split(".")
    while parts:
        part = parts.pop(0)
        field = model.model_fields.get(re.sub(r"\[\d+\]", "", part))
        before += f".{part}" if before else part
        if field is None:
            break
        inner, several = entry(field), OneOf.of(field)
        if several is not None:
            inner = several.kinds.get(left.pop(0)) if left else None
        elif inner is None and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner = field.annotation
        elif inner is not None and get_origin(field.annotation) is dict and parts:
            before += f".{parts.pop(0)}"
        if inner is None:
            break
        model = inner
        known = {f"{before}.{name}": one for name, one in model.model_fields.items()}
    return known


def _declared(key: str, fields: Mapping[str, FieldInfo]) -> FieldInfo | None:
    """The declaration of a key, or of the list or table that it is an entry of."""
    if key in fields:
        return fields[key]
    plain = re.sub(r"\[\d+\]", "", key)
    while plain and plain not in fields:
        plain = plain.rpartition(".")[0]
    return fields.get(plain)
