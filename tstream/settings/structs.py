"""Between sections of tstream.toml and the engine's plain values, which declare their keys themselves.

A Struct's fields that carry a Setting (engine/model/setting.py) become keys of a section, with their defaults
in a person's units; and the section's values become such a Struct again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from msgspec import Struct, structs
from pydantic import BeforeValidator, Field, create_model

from engine.model.setting import Setting
from tstream.settings.fields import MAY_BE_OFF, OFF, Section, no_bool, setting


class StructSection(Section):
    """A section whose keys come from Structs, so that mypy does not know them."""

    if TYPE_CHECKING:

        def __getattr__(self, key: str) -> Any: ...


_S = TypeVar("_S", bound=StructSection)
_T = TypeVar("_T", bound=Struct)


def keys_of(*defaults: Struct, **kinds: Any) -> Callable[[type[_S]], type[_S]]:
    """Class decorator: the section takes the keys of these Structs, with these values as defaults.

    `kinds` gives keys that need a validator of their own an annotation.
    """

    def add(section: type[_S]) -> type[_S]:
        keys = {
            key: (kinds.get(key) or _kind(kind, one), _declared(getattr(values, name), one, kind))
            for values in defaults
            for name, key, kind, one in _settings(type(values))
        }
        fields: Any = keys
        own: Any = {"__module__": section.__module__, "__doc__": section.__doc__}
        return create_model(section.__name__, __base__=section, **own, **fields)

    return add


def filled(into: type[_T], section: StructSection, **rest: Any) -> _T:
    """The Struct that the section's keys describe, in its own units; `rest` are fields that are no keys."""
    values = {
        name: _times(getattr(section, key), one.unit)
        for name, key, _, one in _settings(into)
        if name not in rest
    }
    return into(**values, **rest)


def _settings(struct: type[Struct]) -> Iterator[tuple[str, str, Any, Setting]]:
    """(field, key, type, declaration) of every field that can be set."""
    for field in structs.fields(struct):
        one = next((part for part in get_args(field.type) if isinstance(part, Setting)), None)
        if one is not None:
            yield field.name, one.key or field.name, get_args(field.type)[0], one


def _times(value: Any, unit: int) -> Any:
    return value if unit == 1 else round(value * unit)


def _declared(default: Any, one: Setting, kind: Any) -> Any:
    """The key as pydantic knows it: default, words, and when a change takes hold."""
    if one.unit != 1:
        default = (one.kind or kind)(default / one.unit)
    off = one.off and default == 0
    return setting(
        default,
        one.about,
        reload=one.reload,
        allowed=one.allowed,
        default=one.default or (f'`"{OFF}"`' if off else ""),
    )


def _kind(kind: Any, one: Setting) -> Any:
    """The annotation of a key: its type, bounds, and that it may be off."""
    kind = one.kind or kind
    parts = {part for part in get_args(kind) or (kind,) if part is not NoneType}
    checks: list[Any] = [BeforeValidator(no_bool)] if parts <= {int, float, Decimal} else []
    bounds: Mapping[str, Any] = {
        name: bound for name in ("gt", "ge", "le") if (bound := getattr(one, name)) is not None
    }
    if bounds:
        checks.append(Field(**bounds))
    if one.off:
        checks.append(MAY_BE_OFF)
    for check in checks:
        kind = Annotated[kind, check]
    return kind
