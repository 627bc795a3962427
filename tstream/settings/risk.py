"""The section [risk]: your own limits and your firm's. Amounts in USD, times as the keys say."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from engine.model.config import ForeignPositions, SingleContract
from engine.risk.presets import AUTO, NONE, PRESETS
from tstream.settings.fields import Number, Usd, Whole, refuse, setting
from tstream.settings.sections import ClockTime, Section, Zone

OFF = "off"


def _off(value: object) -> object:
    """A limit is switched off by the word, not by 0, which could as well mean that nothing is allowed."""
    if isinstance(value, str) and value.strip().lower() == OFF:
        return 0
    if value in (0, "0") and not isinstance(value, bool):
        raise refuse("")
    return value


UsdOrOff = Annotated[Usd, BeforeValidator(_off)]
CountOrOff = Annotated[Whole, BeforeValidator(_off)]


def _preset(name: str) -> str:
    if name.lower() not in (AUTO, NONE, *PRESETS):
        raise refuse(f"must be one of {', '.join((AUTO, NONE, *PRESETS))}")
    return name.lower()


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


class RiskSettings(Section):
    """Your own limits and your firm's, per account; the stricter wins. Per cent are of each limit in USD."""

    per_trade_usd: Usd = setting(
        Decimal(200), "Most that one trade may lose at its stop, costs included, USD.", reload="live", gt=0
    )
    daily_loss_usd: UsdOrOff = setting(
        Decimal(800),
        "Your own daily loss limit: net loss of a trade date, open positions and the costs of closing them "
        "included, USD. The bands below say when it warns, refuses entries, and flattens and locks until the "
        "next trade date.",
        reload="live",
        allowed="a number above 0, or off",
        ge=0,
    )
    account_preset: Annotated[str, AfterValidator(_preset)] = setting(
        AUTO,
        "The firm's rules for your account: maximum loss, daily loss where it has one, size. auto guesses by "
        "the account's name (50KTC-, 100KTC-, 150KTC-, -DLL-, EXPRESS-). The keys below win over it.",
        reload="live",
        allowed="one of " + ", ".join((AUTO, NONE, *PRESETS)),
    )
    firm_daily_loss_usd: UsdOrOff | None = setting(
        None,
        "The firm's daily loss limit, USD. The stricter of it and your own counts.",
        reload="live",
        allowed="a number above 0, or off",
        default="the preset's",
        ge=0,
    )
    max_loss_usd: UsdOrOff | None = setting(
        None,
        "The firm's maximum loss limit: how far equity may be below the highest end-of-day balance, USD. The "
        "floor stops rising at the starting balance. Once it has acted it locks until you change it or a key "
        "that goes with it.",
        reload="live",
        allowed="a number above 0, or off",
        default="the preset's",
        ge=0,
    )
    start_balance_usd: Usd | None = setting(
        None,
        "What the account began with, as the venue counts its balance, USD (0 for an Express Funded account "
        "that counts from zero).",
        reload="live",
        default="the preset's size or 0, the nearer to the balance; without a preset the first balance seen",
    )
    high_balance_usd: Usd | None = setting(
        None,
        "Highest end-of-day balance of the account before tstream watched it, USD.",
        reload="live",
        default="the highest that tstream has seen",
    )
    floor_fixed: bool = setting(
        False,
        "The floor of the maximum loss limit stands at the starting balance for good, as after a payout.",
        reload="live",
    )
    max_minis: CountOrOff | None = setting(
        None,
        "Most contracts held or being entered at a time, all products together, in minis; ten micros are "
        "one. A trade is made smaller to fit.",
        reload="live",
        allowed="a whole number from 1 to 1000, or off",
        default="the preset's",
        ge=0,
        le=1000,
    )
    minis_by_profit: Annotated[tuple[tuple[Decimal, int], ...] | None, BeforeValidator(_growth)] = setting(
        None,
        "Sizes that grow with the profit of the account at the end of the day before: "
        '{ "0" = 2, "1500" = 3, "2000" = 5 } allows 3 minis from 1500 USD on.',
        reload="live",
        allowed="a table of profits in USD and minis",
        default="the preset's",
    )
    warn_percent: Whole = setting(
        50, "A loss limit warns when so much of it is used up, per cent.", reload="live", ge=1, le=100
    )
    reduce_percent: Whole = setting(
        80,
        "No more entries from here on, per cent. Ends by itself ten points lower, and for the daily loss "
        "with its trade date.",
        reload="live",
        ge=1,
        le=100,
    )
    act_percent: Whole = setting(
        95,
        "Everything is flattened and the account locked from here on, per cent: before the firm does it.",
        reload="live",
        ge=1,
        le=100,
    )
    max_contracts: Whole = setting(5, "Most contracts in one trade.", reload="live", ge=1, le=150)
    max_open_trades: Whole = setting(
        6, "Most trades open at a time, all products together.", reload="live", ge=1, le=100
    )
    max_trades: CountOrOff = setting(
        40,
        "Most trades of a trade date; then locked until the next, open ones run on.",
        reload="live",
        allowed="a whole number from 1 to 1000, or off",
        ge=0,
        le=1000,
    )
    max_losses_in_a_row: CountOrOff = setting(
        0,
        "After so many lost trades in a row locked until the next trade date; open ones run on.",
        reload="live",
        allowed="a whole number from 1 to 100, or off",
        default='`"off"`',
        ge=0,
        le=100,
    )
    reward_to_risk_min: Number = setting(
        1.5, "A trade must promise at least so many times what it risks.", reload="live", ge=0.1, le=20
    )
    slippage_ticks: Whole = setting(
        1, "Slippage assumed per side when a trade is sized, ticks.", reload="live", ge=0, le=100
    )
    break_even_after_first_target: bool = setting(
        True, "Move the stop to where it loses nothing once the first target has filled.", reload="live"
    )
    break_even_offset_ticks: Whole | None = setting(
        None,
        "How far beyond the average entry break-even is, ticks.",
        reload="live",
        allowed="a whole number from 0 to 1000",
        default="as many ticks as pay for the costs of both sides",
        ge=0,
        le=1000,
    )
    trail_ticks: CountOrOff = setting(
        0,
        "Stops follow the best price of a trade at this distance, ticks.",
        reload="live",
        allowed="a whole number from 4 to 1000, or off",
        default='`"off"`',
        ge=0,
        le=1000,
    )
    trail_after_r: Number = setting(
        0.0,
        "Stops begin to follow once a trade is so many times its initial risk in profit.",
        reload="live",
        ge=0,
        le=40,
    )
    single_contract: SingleContract = setting(
        SingleContract.T1,
        "One contract with two targets: t1 leaves at the first; hold goes to break-even there and waits for "
        "the second.",
        reload="restart",
    )
    foreign_positions: ForeignPositions = setting(
        ForeignPositions.PROTECT,
        "Contracts in a product of tstream's that no trade of its own opened: protect gives them a stop "
        "unless stops at the venue cover them, leave leaves them, flatten closes the product's position.",
        reload="live",
    )
    hours_start: ClockTime = setting(
        "",
        "Entries only from this time of day, in hours_zone. Empty: around the clock.",
        reload="live",
        allowed="a time of day such as 08:30, or empty",
    )
    hours_end: ClockTime = setting(
        "",
        "Entries only before this time of day; earlier than hours_start means the next day.",
        reload="live",
        allowed="a time of day such as 15:00, or empty",
    )
    hours_zone: Zone = setting(
        "America/Chicago",
        "Time zone of your hours.",
        reload="live",
        allowed="a time zone such as Europe/Helsinki",
    )
    must_be_flat: bool = setting(
        True,
        "Positions must be closed before 15:10 Chicago time, earlier on days that close early. Without it "
        "entries end before the session's close, and nothing is flattened by the clock.",
        reload="live",
    )
    no_entry_minutes: Whole = setting(
        15,
        "No entry so many minutes before positions must be flat (15:10 Chicago time).",
        reload="live",
        ge=1,
        le=600,
    )
    flatten_minutes: Whole = setting(
        5,
        "Everything is flattened so many minutes before positions must be flat (15:10 Chicago time).",
        reload="live",
        ge=1,
        le=600,
    )
    reduce_on_unknown_days: bool = setting(
        True,
        "No entries on days of a year whose exchange holidays tstream does not know. The practice venue "
        "plays any day.",
        reload="live",
    )
    expiry_days: Whole = setting(
        2,
        "No entries in a contract so many days before its last day (index futures: the third Friday; metals: "
        "first notice).",
        reload="live",
        ge=0,
        le=60,
    )
    stale_seconds: Number = setting(
        30.0, "Market data older than this is stale: no entries.", reload="live", ge=1, le=600
    )

    @model_validator(mode="after")
    def _limits_are_not_inverted(self) -> Self:
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
        return self

    @model_validator(mode="after")
    def _trails_where_the_venue_takes_stops(self) -> Self:
        if 0 < self.trail_ticks < 4:
            raise refuse(
                "must be a whole number from 4 to 1000, or off", key="trail_ticks", value=self.trail_ticks
            )
        return self

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        for lower, higher in (("warn_percent", "reduce_percent"), ("reduce_percent", "act_percent")):
            if getattr(self, lower) > getattr(self, higher):
                raise refuse(
                    f"must be at most risk.{higher} ({getattr(self, higher)})",
                    key=lower,
                    value=getattr(self, lower),
                )
        return self

    @model_validator(mode="after")
    def _hours_are_a_window(self) -> Self:
        if bool(self.hours_start) != bool(self.hours_end):
            missing, given = ("hours_end", "start") if self.hours_start else ("hours_start", "end")
            raise refuse(f"is needed where risk.hours_{given} is set", key=missing)
        if self.hours_start and self.hours_start == self.hours_end:
            raise refuse(
                f"must differ from risk.hours_start ({self.hours_start})",
                key="hours_end",
                value=self.hours_end,
            )
        return self
