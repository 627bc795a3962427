"""The table `sizing = { kind = "...", ... }` of the run, a book, a bot or a room: how large trades are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator
from pydantic_settings import NoDecode

from engine.model import sizing as policies
from tstream.settings.declared import DeclaredSection, filled, keys_of
from tstream.settings.fields import OneOf, refuse, setting

Kind = Literal["grade", "risk", "equity", "equity_notional", "notional", "kelly", "confidence"]


def _kind(name: str) -> Any:
    return setting(..., "The policy.", allowed=f'"{name}"')


@keys_of(policies.ByGrade())
class GradeSizing(DeclaredSection):
    __doc__ = policies.ByGrade.__doc__
    kind: Literal["grade"] = _kind("grade")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.a >= self.b >= self.c:
            raise refuse("must not be smaller than b, nor b than c", key="a", value=self.a)
        if self.a_score < self.b_score:
            raise refuse(f"must be at least b_score ({self.b_score})", key="a_score", value=self.a_score)
        return self


@keys_of(policies.ByRisk())
class RiskSizing(DeclaredSection):
    __doc__ = policies.ByRisk.__doc__
    kind: Literal["risk"] = _kind("risk")


@keys_of(policies.ByEquity())
class EquitySizing(DeclaredSection):
    __doc__ = policies.ByEquity.__doc__
    kind: Literal["equity"] = _kind("equity")


@keys_of(policies.ByEquityNotional(Decimal(0)))
class EquityNotionalSizing(DeclaredSection):
    __doc__ = policies.ByEquityNotional.__doc__
    kind: Literal["equity_notional"] = _kind("equity_notional")


@keys_of(policies.ByNotional(Decimal(0)))
class NotionalSizing(DeclaredSection):
    __doc__ = policies.ByNotional.__doc__
    kind: Literal["notional"] = _kind("notional")


_PLAIN: dict[str, type[DeclaredSection]] = {
    "grade": GradeSizing,
    "risk": RiskSizing,
    "equity": EquitySizing,
    "equity_notional": EquityNotionalSizing,
    "notional": NotionalSizing,
}
_ALONE = ("grade", "risk")
"""Kinds that say enough by their name: `sizing = "risk"`."""
_EXAMPLES = {
    "equity": "percent = 2",
    "equity_notional": "percent = 50",
    "notional": "usd = 25000",
    "kelly": "percent = 25",
    "confidence": "least_percent = 50",
}


class SizingTable(OneOf):
    """A table of one of these kinds; a name alone, where that says enough; JSON, as a variable has it."""

    def table(self, value: object) -> object:
        names = ", ".join(self.kinds)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = json.loads(value)
            except ValueError:
                raise refuse('must be a table such as { kind = "risk" }, in a variable as JSON') from None
        if isinstance(value, str):
            if value in self.kinds and value not in _ALONE:
                text = f'{{ kind = "{value}", {_EXAMPLES[value]} }}'
                raise refuse(f"needs its number: write sizing = {text}", value=value)
            value = {"kind": value}
        if not isinstance(value, Mapping):
            return value
        if "kind" not in value:
            raise refuse(f"is needed: one of {names}", key="kind")
        if value["kind"] not in self.kinds:
            raise refuse(f"must be one of {names}", key="kind", value=value["kind"])
        return value


_TABLE = 'a table with a kind, such as { kind = "risk" }'
PlainSizings = Annotated[DeclaredSection, SizingTable(_PLAIN)]


@keys_of(policies.ByKelly())
class KellySizing(DeclaredSection):
    __doc__ = policies.ByKelly.__doc__
    kind: Literal["kelly"] = _kind("kelly")
    base: PlainSizings = setting(
        RiskSizing(kind="risk"),
        "What counts while there are too few trades, or while the equity is not known.",
        allowed=_TABLE,
        default='`{ kind = "risk" }`',
    )


_SCALED = _PLAIN | {"kelly": KellySizing}
ScaledSizings = Annotated[DeclaredSection, SizingTable(_SCALED)]


@keys_of(policies.ByConfidence())
class ConfidenceSizing(DeclaredSection):
    __doc__ = policies.ByConfidence.__doc__
    kind: Literal["confidence"] = _kind("confidence")
    base: ScaledSizings = setting(
        RiskSizing(kind="risk"),
        "Whose size is scaled.",
        allowed=_TABLE,
        default='`{ kind = "risk" }`',
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.least_percent > self.most_percent:
            raise refuse(
                f"must be at most most_percent ({self.most_percent})",
                key="least_percent",
                value=self.least_percent,
            )
        return self


SIZINGS: dict[str, type[DeclaredSection]] = _SCALED | {"confidence": ConfidenceSizing}
"""Every kind, and the section that its table is."""
Sizings = Annotated[DeclaredSection, SizingTable(SIZINGS), NoDecode]


def sizing_key(words: str, default: str) -> Any:
    """The key `sizing` of a table."""
    return setting(None, words, reload="live", allowed=_TABLE, default=default)


_POLICIES: dict[str, type[Any]] = {kind: policy for policy, kind in policies.KINDS.items()}


def sizing_of(section: DeclaredSection | None) -> policies.Sizing | None:
    """The policy that a table says; None where there is no table."""
    if section is None:
        return None
    rest = {"base": sizing_of(section.base)} if "base" in type(section).model_fields else {}
    found: policies.Sizing = filled(_POLICIES[section.kind], section, **rest)
    return found


_MOVED = {
    "equity_percent": '{ kind = "equity", percent = 2 }',
    "notional_usd": '{ kind = "notional", usd = 25000 }',
    "kelly_percent": '{ kind = "kelly", percent = 25 }',
}


def refuse_moved(value: object) -> object:
    """Keys that stood beside `sizing` before are in its table now."""
    if isinstance(value, Mapping):
        for key, table in _MOVED.items():
            if key in value:
                raise refuse(f"has moved into the table sizing: write sizing = {table}", key=key)
    return value
