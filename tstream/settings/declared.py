"""Between sections of tstream.toml and plain values, which declare their keys themselves.

Fields of a Struct or dataclass that carry a Setting (engine/model/setting.py) become keys of a section, with
their defaults in a person's units; and the section's values become such a value again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar, get_args, get_type_hints

from pydantic import BeforeValidator, Field, create_model
from pydantic_core import PydanticUndefined

from engine.model.setting import Setting
from tstream.settings.fields import MAY_BE_OFF, OFF, Section, no_bool, setting


class DeclaredSection(Section):
    """A section whose keys are declared elsewhere, so that mypy does not know them."""

    if TYPE_CHECKING:

        def __getattr__(self, key: str) -> Any: ...


_S = TypeVar("_S", bound=DeclaredSection)
_T = TypeVar("_T")


def keys_of(*defaults: object, **kinds: Any) -> Callable[[type[_S]], type[_S]]:
    """Class decorator: the section takes the keys that these values declare, with what they hold as defaults.

    `kinds` gives keys that need a validator of their own an annotation.
    """

    def add(section: type[_S]) -> type[_S]:
        fields: Any = {
            key.name: (kinds.get(key.name) or key.annotation(), key.declared(getattr(values, key.field)))
            for values in defaults
            for key in _keys(type(values))
        }
        own: Any = {"__module__": section.__module__, "__doc__": section.__doc__}
        return create_model(section.__name__, __base__=section, **own, **fields)

    return add


def filled(into: type[_T], section: DeclaredSection, **rest: Any) -> _T:
    """The value that the section's keys describe, in its own units; `rest` are fields that are no keys."""
    keys = (key for key in _keys(into) if key.field not in rest)
    return into(**{key.field: key.inside(getattr(section, key.name)) for key in keys}, **rest)


class _Key(NamedTuple):
    """A field that can be set, with what is declared at it."""

    field: str
    kind: Any
    setting: Setting
    words: str

    @property
    def name(self) -> str:
        return self.setting.key or self.field

    def inside(self, value: Any) -> Any:
        """What a person wrote, in the field's unit."""
        return value if self.setting.unit == 1 or value is None else round(value * self.setting.unit)

    def declared(self, default: Any) -> Any:
        """The key as pydantic knows it: default, words, and when a change takes hold."""
        one = self.setting
        if one.unit != 1 and default is not None:
            default = (one.kind or self.kind)(default / one.unit)
        if one.needed:
            default = PydanticUndefined
        off = f'`"{OFF}"`' if one.off and default == 0 else ""
        return setting(
            default, self.words, reload=one.reload, allowed=one.allowed, default=one.default or off
        )

    def annotation(self) -> Any:
        """Its type, bounds, and that it may be off."""
        one = self.setting
        kind = one.kind or self.kind
        checks: list[Any] = []
        if set(get_args(kind) or (kind,)) <= {int, float, Decimal, NoneType}:
            checks.append(BeforeValidator(no_bool))
        bounds = {name: getattr(one, name) for name in ("gt", "ge", "le") if getattr(one, name) is not None}
        if bounds:
            checks.append(Field(**bounds))
        if one.off:
            checks.append(MAY_BE_OFF)
        for check in checks:
            kind = Annotated[kind, check]
        return kind


def _keys(declaring: type) -> Iterator[_Key]:
    for name, hint in get_type_hints(declaring, include_extras=True).items():
        if any(isinstance(part, Setting) for part in get_args(hint)):
            yield _Key(name, *get_args(hint))
