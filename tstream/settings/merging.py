"""What changed settings come to in a run: live keys are taken, others are named and stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from engine.model.reload import SettingChange
from tstream.errors import Problem, SettingsError
from tstream.settings.fields import OneOf, extra
from tstream.settings.model import Settings
from tstream.settings.problems import LOGIN, holds_secret, shown
from tstream.settings.sections import ProjectXSettings
from tstream.settings.venues import LOGIN_KEYS, VenueSettings

_T = TypeVar("_T", bound=BaseModel)


class Merged(NamedTuple):
    """The settings that a run goes on with."""

    settings: Settings
    changes: tuple[SettingChange, ...]
    """Keys that are taken."""
    waiting: tuple[str, ...]
    """Keys that count from the next start on."""


def merge(old: Settings, new: Settings) -> Merged:
    """Take what a running engine can. Both are checked already; raises SettingsError where what is taken does
    not go with what has to stay.
    """
    found = _Merging()
    settings = found.section(old, new, "")
    try:
        settings.require_sense()
    except PydanticCustomError as error:
        told = error.context or {}
        why = f"{error.message()}, and what it goes with waits for the next start"
        raise SettingsError([Problem(str(told.get("key", "")), why)]) from None
    return Merged(settings, tuple(found.changes), tuple(found.waiting))


class _Merging:
    def __init__(self) -> None:
        self.changes: list[SettingChange] = []
        self.waiting: list[str] = []

    def section(self, old: _T, new: _T, where: str) -> _T:
        values: dict[str, Any] = {}
        given = set(old.model_fields_set)
        for name, field in type(old).model_fields.items():
            key = f"{where}{name}"
            was, now = getattr(old, name), getattr(new, name)
            values[name] = was
            if _plain_section(was, now, field):
                values[name] = self.section(was, now, f"{key}.")
                given |= {name} & new.model_fields_set
            elif isinstance(was, dict) and isinstance(now, dict) and _sections(was, now):
                values[name] = self._named(was, now, key)
            elif isinstance(was, tuple) and isinstance(now, tuple) and _sections(was, now):
                values[name] = self._listed(was, now, key)
            elif was != now or ((name in old.model_fields_set) is not (name in new.model_fields_set)):
                if extra(field, "reload") != "live" or not _exchangeable(old, name, was, now):
                    self.waiting += [key] if was != now else []
                    continue
                values[name] = now
                given.discard(name)
                given |= {name} & new.model_fields_set
                self.changes += [_change(key, field, was, now)] if was != now else []
        return type(old).model_construct(_fields_set=given, **values)

    def _named(self, old: Mapping[Any, Any], new: Mapping[Any, Any], key: str) -> dict[Any, Any]:
        """A table of sections: those of both are merged, what has come or gone waits."""
        self.waiting += [f"{key}.{name}" for name in (*old, *new) if (name in old) is not (name in new)]
        return {
            name: self.section(one, new[name], f"{key}.{name}.") if name in new else one
            for name, one in old.items()
        }

    def _listed(self, old: tuple[Any, ...], new: tuple[Any, ...], key: str) -> tuple[Any, ...]:
        """A list of sections, which are told apart by their names."""
        by_name = {one.name: one for one in new}
        names = [one.name for one in old]
        if names != [one.name for one in new]:
            self.waiting.append(key)
        return tuple(
            self.section(one, by_name[one.name], f"{key}.{one.name}.") if one.name in by_name else one
            for one in old
        )


def _plain_section(was: object, now: object, field: FieldInfo) -> bool:
    """Whether both are one section, whose keys are looked at by themselves: no table of one of several
    kinds.
    """
    return isinstance(was, BaseModel) and type(was) is type(now) and OneOf.of(field) is None


def _sections(was: Any, now: Any) -> bool:
    entries = [*(was.values() if isinstance(was, dict) else was)]
    entries += [*(now.values() if isinstance(now, dict) else now)]
    return bool(entries) and all(isinstance(one, BaseModel) for one in entries)


def _exchangeable(section: BaseModel, name: str, was: object, now: object) -> bool:
    """A login can be exchanged while a run goes on, where the venue allows it, and neither come nor go: it
    decides where a venue is.
    """
    if isinstance(section, (VenueSettings, ProjectXSettings)) and name in LOGIN_KEYS:
        fits = not isinstance(section, VenueSettings) or section.about.new_key
        return fits and bool(_revealed(was)) and bool(_revealed(now))
    return True


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else f"{value}"


def _change(key: str, field: FieldInfo, was: object, now: object) -> SettingChange:
    if holds_secret(field) or key.startswith(f"{LOGIN}.") or key.rpartition(".")[2] in LOGIN_KEYS:
        return SettingChange(key)
    return SettingChange(key, _worded(was), _worded(now))


def _worded(value: object) -> str:
    if isinstance(value, BaseModel):
        own = {"kind": getattr(value, "kind", None)} if hasattr(value, "kind") else {}
        value = own | value.model_dump(exclude_unset=True)
    return "not set" if value is None or value == "" else shown(value)
