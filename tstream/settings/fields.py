"""How one setting is declared and described: its kind, bounds and words, and when a change takes hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, PydanticUndefined
from pydantic_settings import NoDecode

from engine.model.market import Timeframe
from engine.model.setting import Reload


class Section(BaseModel):
    """A table of tstream.toml. Amounts are USD, times in the unit that the key names."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True, allow_inf_nan=False
    )


def setting(
    value: Any,
    description: str,
    *,
    reload: Reload = "restart",
    allowed: str = "",
    default: str = "",
    **constraints: Any,
) -> Any:
    """Declare one key and its default value.

    `allowed` says what may stand there, where kind and bounds don't say it; `default` says in words what
    counts where the key is not set, where the value does not.
    """
    declared: Any = {"reload": reload, "allowed": allowed, "default": default}
    return Field(value, description=description, json_schema_extra=declared, **constraints)


def computed(default_factory: Any, description: str, **more: Any) -> Any:
    """Declare a key whose default follows from the keys before it; `default` says how."""
    return setting(PydanticUndefined, description, default_factory=default_factory, **more)


def refuse(message: str, **context: Any) -> PydanticCustomError:
    """The error of a check that bounds can't express. `key` names the key of the section that is to blame."""
    return PydanticCustomError("check", "{message}", {"message": message, **context})


def need(section: Section, name: str, keys: Sequence[str], why: str) -> None:
    """Raises what names all of these keys of a section that are not set."""
    missing = [key for key in keys if not getattr(section, key)]
    if missing:
        more = "".join(f", and so is {name}.{key}" for key in missing[1:])
        raise refuse(f"is needed {why}{more}", key=missing[0])


def no_bool(value: object) -> object:
    """true and false are no numbers."""
    if isinstance(value, bool):
        raise refuse("")
    return value


def _comma_separated(value: object) -> object:
    """One environment variable holds a list as "MNQ, ES"."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


OFF = "off"


def _off(value: object, checked: ValidatorFunctionWrapHandler) -> object:
    """A limit is switched off by the word, not by 0, which could as well mean that nothing is allowed."""
    if isinstance(value, str) and value.strip().lower() == OFF:
        return 0
    if value in (0, "0") and not isinstance(value, bool):
        raise refuse("")
    return checked(value)


MAY_BE_OFF = WrapValidator(_off)
Whole = Annotated[int, BeforeValidator(no_bool)]
Usd = Annotated[Decimal, BeforeValidator(no_bool)]
Number = Annotated[float, BeforeValidator(no_bool)]
CommaSeparated = BeforeValidator(_comma_separated)
Timeframes = Annotated[tuple[Timeframe, ...], NoDecode, CommaSeparated]
SOME_TIMEFRAMES = "a list of " + ", ".join(Timeframe)
"""What is allowed for these."""


class OneOf:
    """Says of a key that its table is one of several kinds, by the key `kind` in it."""

    TAG = "kind="
    """How the part of an error's location begins that names the kind: it is no part of any key."""

    def __init__(self, kinds: Mapping[str, type[Section]]) -> None:
        self.kinds = kinds

    def table(self, value: object) -> object:
        """What a person wrote, as a table whose kind is known."""
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        parts = [Annotated[section, Tag(f"{self.TAG}{kind}")] for kind, section in self.kinds.items()]
        union: Any = Union.__getitem__(tuple(parts))
        tables = Annotated[union, Discriminator(self._tag), BeforeValidator(self.table)]
        return handler.generate_schema(tables)

    def _tag(self, value: Any) -> str:
        kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
        return f"{self.TAG}{kind}"

    @classmethod
    def of(cls, field: FieldInfo) -> OneOf | None:
        """The kinds of table that a key takes; None where it takes no such table."""
        said = [*field.metadata, *(part for arg in get_args(field.annotation) for part in get_args(arg))]
        return next((one for one in said if isinstance(one, cls)), None)


def extra(field: FieldInfo, name: str) -> str:
    """What the declaration says under `name`: reload, allowed, default."""
    declared = field.json_schema_extra
    return str(declared.get(name, "")) if isinstance(declared, dict) else ""


def allowed(field: FieldInfo) -> str:
    """What may stand there, in words: "a whole number from 1 to 30"."""
    off = f", or {OFF}" if MAY_BE_OFF in field.metadata else ""
    return extra(field, "allowed") or (_kind(field.annotation) + _bounds(field.metadata) + off)


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return " or ".join(_kind(part) for part in get_args(annotation) if part is not type(None))
    if origin is Literal:
        return _choice(str(value) for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(str(member.value) for member in annotation)
    if annotation is bool:
        return "true or false"
    if annotation is int:
        return "a whole number"
    if annotation in (float, Decimal):
        return "a number"
    return "text"


def _choice(words: Iterable[str]) -> str:
    first, *others = words
    return f"one of {', '.join((first, *others))}" if others else first


def _bounds(metadata: list[Any]) -> str:
    longest = next((bound for bound in metadata if isinstance(bound, MaxLen)), None)
    if longest is not None:
        return f" of at most {longest.max_length} characters"
    low = next((bound for bound in metadata if isinstance(bound, (Ge, Gt))), None)
    high = next((bound for bound in metadata if isinstance(bound, (Le, Lt))), None)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f" from {low.ge} to {high.le}"
    words = [
        f" {word} {getattr(bound, name)}"
        for bound, name, word in (
            (low, "gt", "above"),
            (low, "ge", "of at least"),
            (high, "lt", "below"),
            (high, "le", "up to"),
        )
        if hasattr(bound, name)
    ]
    return " and".join(words)
