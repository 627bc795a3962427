"""The section [scan] of tstream.toml: which validated signals are looked for, and how they are sized."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from engine.lab.edges.rules import THRESHOLDS, USUAL, Thresholds
from engine.model.market import Timeframe
from tstream.settings.alerts import Names
from tstream.settings.fields import (
    MAY_BE_OFF,
    SOME_TIMEFRAMES,
    Number,
    Section,
    Timeframes,
    Usd,
    Whole,
    setting,
)
from tstream.settings.instruments import Symbol
from tstream.settings.risk import AccountRisk

_AS_SEARCHED = "what the search asks (discovery.md)"


class ScanTimeframe(Section):
    """What holds for the signals of one timeframe; what is not set is as the search has it (discovery.md)."""

    min_win_rate: Annotated[Number, Field(ge=0, lt=1)] | None = setting(
        None,
        "Least share of the backtest's trades that won.",
        allowed="a number from 0 to 1",
        default=_AS_SEARCHED,
    )
    min_profit_factor: Annotated[Number, Field(ge=0, le=100)] | None = setting(
        None, "Least profit factor of the backtest.", allowed="a number from 0 to 100", default=_AS_SEARCHED
    )
    min_trades: Annotated[Whole, Field(ge=1, le=100_000)] | None = setting(
        None, "Least number of the backtest's trades.", allowed="a whole number", default=_AS_SEARCHED
    )
    reward_to_risk_min: Annotated[Number, Field(ge=0.1, le=20)] | None = setting(
        None,
        "A signal must aim at so many times what it risks.",
        allowed="a number from 0.1 to 20",
        default=_AS_SEARCHED,
    )
    capital_usd: Annotated[Usd, Field(gt=0, le=1_000_000_000)] | None = setting(
        None, "What risk_percent is a part of, USD.", allowed="a number above 0", default="scan.capital_usd"
    )

    def thresholds(self, timeframe: Timeframe) -> Thresholds:
        """What is asked of the signals of this timeframe."""
        usual = THRESHOLDS[timeframe]
        return Thresholds(
            usual.min_win_rate if self.min_win_rate is None else self.min_win_rate,
            usual.min_profit_factor if self.min_profit_factor is None else self.min_profit_factor,
            usual.min_trades if self.min_trades is None else self.min_trades,
            usual.required_rr if self.reward_to_risk_min is None else self.reward_to_risk_min,
        )


NOTHING_OWN = ScanTimeframe()


class ScanSettings(Section):
    """The scanner: signals that tstream discover has validated, told as they come and played on paper beside
    their backtest (docs/scanner.md).
    """

    enabled: bool = setting(False, "Whether every run scans, the cockpit too; tstream scan does in any case.")
    analyses: Names = setting(
        (),
        "The files that tstream discover has written; relative ones are in the folder analysis of the data.",
        allowed="a list of files",
        default="edge_analysis*.json in the folder analysis of the data",
    )
    contracts: dict[str, Symbol] = setting(
        {},
        'Where the signals of a contract are looked for in another one of the run: { ES = "MES" }.',
        allowed="a table of contracts",
    )
    timeframes: Timeframes = setting(
        USUAL, "Timeframes whose signals are looked for.", allowed=SOME_TIMEFRAMES, min_length=1
    )
    capital_usd: Usd = setting(
        Decimal(10_000),
        "What the scanner's paper book begins with, and risk_percent is a part of, USD.",
        gt=0,
    )
    risk_percent: Usd = setting(
        Decimal(2), "What a trade may lose at its stop, costs included, per cent of the capital.", gt=0, le=10
    )
    books: Names = setting(
        (),
        "Books that trade the signals beside the paper book; empty: none does, signals only. `trading`, "
        "arming and [risk] hold there as ever.",
        allowed="a list of books",
    )
    aligned: bool = setting(
        False, "Leave out signals against which the next longer timeframe points; their backtest did not."
    )
    error_rate: Annotated[Number, Field(gt=0, le=0.5), MAY_BE_OFF] = setting(
        0.05,
        "A signal is paused when its live results are behind its backtest; so often, at most, one that is "
        "not. off pauses none.",
        allowed="a number above 0 and up to 0.5, or off",
    )
    status_minutes: Whole = setting(5, "tstream scan tells how it goes so often, minutes.", ge=1, le=1440)
    risk: AccountRisk | None = setting(
        None,
        "Limits of the scanner's paper book, which has none of [risk]'s on what is lost or traded in a day.",
        allowed="the keys of [risk]",
        default="none of a day",
    )
    timeframe: dict[Timeframe, ScanTimeframe] = setting(
        {}, "What holds for signals of one timeframe.", allowed="a table of timeframes"
    )

    def own(self, timeframe: Timeframe) -> ScanTimeframe:
        """What is set for the signals of a timeframe."""
        return self.timeframe.get(timeframe, NOTHING_OWN)

    def risk_usd(self, timeframe: Timeframe) -> Decimal:
        """What a trade of a timeframe may lose at its stop, USD."""
        capital = self.own(timeframe).capital_usd
        return (self.capital_usd if capital is None else capital) * self.risk_percent / 100
