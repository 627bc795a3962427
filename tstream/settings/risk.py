"""The section [risk]: your own limits and your firm's. Its keys are declared in engine/model/limits.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from engine.model.limits import RiskLimits
from engine.risk.presets import AUTO, NONE, PRESETS
from tstream.settings.declared import DeclaredSection, keys_of
from tstream.settings.fields import refuse
from tstream.settings.sections import ClockTime, Zone

_Preset: Any = Literal.__getitem__((AUTO, NONE, *PRESETS))


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _growth(value: Any) -> Any:
    """{ 0 = 2, 1500 = 3 }: profits as keys are text in TOML."""
    if not isinstance(value, dict):
        return value
    try:
        steps = sorted((Decimal(str(profit)), minis) for profit, minis in value.items())
    except (ArithmeticError, TypeError):
        raise refuse("") from None
    if not steps or any(
        isinstance(minis, bool) or not isinstance(minis, int) or minis < 1 for _, minis in steps
    ):
        raise refuse("")
    return tuple(steps)


_CHECKED: dict[str, Any] = {
    "account_preset": Annotated[_Preset, BeforeValidator(_lower)],
    "minis_by_profit": Annotated[tuple[tuple[Decimal, int], ...] | None, BeforeValidator(_growth)],
    "hours_start": ClockTime,
    "hours_end": ClockTime,
    "hours_zone": Zone,
}
"""Keys whose values need a look of their own."""


@keys_of(RiskLimits(), **_CHECKED)
class AccountRisk(DeclaredSection):
    """What holds for one book in place of [risk]; a key that is not set is [risk]'s."""


@keys_of(RiskLimits(), **_CHECKED)
class RiskSettings(DeclaredSection):
    __doc__ = RiskLimits.__doc__

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        self.require_sense()
        return self

    def require_sense(self) -> None:
        """Raises what is wrong with these limits together."""
        self._limits_are_not_inverted()
        self._bands_rise()
        self._hours_are_a_window()

    def but(self, own: AccountRisk) -> RiskSettings:
        """These limits with what an account has of its own. Raises what is wrong with both together."""
        both = self.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})
        both.require_sense()
        return both

    def _limits_are_not_inverted(self) -> None:
        if 0 < self.daily_loss_usd <= self.per_trade_usd:
            raise refuse(
                f"must be below risk.daily_loss_usd ({self.daily_loss_usd})",
                key="per_trade_usd",
                value=self.per_trade_usd,
            )
        if self.no_entry_minutes < self.flatten_minutes:
            raise refuse(
                f"must be at least risk.flatten_minutes ({self.flatten_minutes}), "
                "or entries would be flattened at once",
                key="no_entry_minutes",
                value=self.no_entry_minutes,
            )

    def _bands_rise(self) -> None:
        for lower, higher in (("warn_percent", "reduce_percent"), ("reduce_percent", "act_percent")):
            if getattr(self, lower) > getattr(self, higher):
                raise refuse(
                    f"must be at most risk.{higher} ({getattr(self, higher)})",
                    key=lower,
                    value=getattr(self, lower),
                )

    def _hours_are_a_window(self) -> None:
        if bool(self.hours_start) != bool(self.hours_end):
            missing, given = ("hours_end", "start") if self.hours_start else ("hours_start", "end")
            raise refuse(f"is needed where risk.hours_{given} is set", key=missing)
        if self.hours_start and self.hours_start == self.hours_end:
            raise refuse(
                f"must differ from risk.hours_start ({self.hours_start})",
                key="hours_end",
                value=self.hours_end,
            )
