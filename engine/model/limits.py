"""The limits of one account: a person's own and the firm's. Each field is a key of [risk] in tstream.toml."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from engine.model.market import MINUTE, NANOS
from engine.model.setting import LIVE, RESTART, live


class ForeignPositions(StrEnum):
    """What happens to contracts in a traded instrument that no trade of tstream opened."""

    PROTECT = "protect"
    """They get a stop, unless stops at the venue cover them already."""
    LEAVE = "leave"
    FLATTEN = "flatten"


class SingleContract(StrEnum):
    """What one contract, which can't be split over two targets, does at the first
    (docs/semantics.md#odd-quantities).
    """

    T1 = "t1"
    """It leaves there."""
    HOLD = "hold"
    """Its stop goes to break-even, and it is held for the second."""


class RiskLimits(Struct, frozen=True):
    """Your own limits and your firm's, per account; the stricter wins. Per cent are of each limit in USD."""

    # Amounts are USD, times nanoseconds. A limit of 0 is off. Of the firm's numbers None means: as the
    # account's preset has it.

    risk_per_trade_usd: Annotated[
        Decimal,
        live(loosens="more", key="per_trade_usd", gt=0),
        "Most that one trade may lose at its stop, costs included, USD.",
    ] = Decimal(200)
    daily_loss_usd: Annotated[
        Decimal,
        live(loosens="more", gt=0, off=True),
        "Your own daily loss limit: net loss of a trade date, open positions and the costs of closing "
        "them included, USD. The bands below say when it warns, refuses entries, and flattens and locks "
        "until the next trade date.",
    ] = Decimal(800)
    account_preset: Annotated[
        str,
        LIVE,
        "The firm's rules for your account: maximum loss, daily loss where it has one, size. auto guesses "
        "by the account's name (50KTC-, 100KTC-, 150KTC-, -DLL-, EXPRESS-). The keys below win over it.",
    ] = "auto"
    firm_daily_loss_usd: Annotated[
        Decimal | None,
        live(loosens="more", gt=0, off=True, default="the preset's"),
        "The firm's daily loss limit, USD. The stricter of it and your own counts.",
    ] = None
    max_loss_usd: Annotated[
        Decimal | None,
        live(loosens="more", gt=0, off=True, default="the preset's"),
        "The firm's maximum loss limit: how far equity may be below the highest end-of-day balance, USD. "
        "The floor stops rising at the starting balance. Once it has acted it locks until you change it "
        "or a key that goes with it.",
    ] = None
    start_balance_usd: Annotated[
        Decimal | None,
        live(
            default="the preset's size or 0, the nearer to the balance; without a preset the first balance "
            "seen"
        ),
        "What the account began with, as the venue counts its balance, USD (0 for an Express Funded "
        "account that counts from zero).",
    ] = None
    high_balance_usd: Annotated[
        Decimal | None,
        live(default="the highest that tstream has seen"),
        "Highest end-of-day balance of the account before tstream watched it, USD.",
    ] = None
    floor_fixed: Annotated[
        bool,
        LIVE,
        "The floor of the maximum loss limit stands at the starting balance for good, as after a payout.",
    ] = False
    max_drawdown_percent: Annotated[
        Decimal,
        live(loosens="more", gt=0, le=100, off=True),
        "Your own: how far equity may be below the highest that it has been, open positions included, per "
        "cent of that. Once it has acted it locks until you change it.",
    ] = Decimal(0)
    max_minis: Annotated[
        int | None,
        live(loosens="more", ge=1, le=1000, off=True, default="the preset's"),
        "Most contracts held or being entered at a time, all products together, in minis; ten micros are "
        "one. A trade is made smaller to fit.",
    ] = None
    minis_by_profit: Annotated[
        tuple[tuple[Decimal, int], ...] | None,
        live(allowed="a table of profits in USD and minis", default="the preset's"),
        'Sizes that grow with the profit of the account at the end of the day before: { "0" = 2, "1500" = '
        '3, "2000" = 5 } allows 3 minis from 1500 USD on.',
    ] = None
    """(Profit, most minis), ascending; the last one reached counts."""
    warn_percent: Annotated[
        int,
        live(loosens="more", ge=1, le=100),
        "A loss limit warns when so much of it is used up, per cent.",
    ] = 50
    reduce_percent: Annotated[
        int,
        live(loosens="more", ge=1, le=100),
        "No more entries from here on, per cent. Ends by itself ten points lower, and for the daily loss "
        "with its trade date.",
    ] = 80
    act_percent: Annotated[
        int,
        live(loosens="more", ge=1, le=100),
        "Everything is flattened and the account locked from here on, per cent: before the firm does it.",
    ] = 95
    max_contracts: Annotated[
        int,
        live(loosens="more", ge=1, le=1_000_000),
        "Most contracts or shares in one trade; where instruments.NAME has a max_quantity, that counts. "
        "Coins and perpetuals go by their worth: max_exposure_percent, without it no more than the equity.",
    ] = 5
    max_notional_usd: Annotated[
        Decimal,
        live(loosens="more", gt=0, off=True),
        "Most that one trade may be worth at its entry, USD. A trade is made smaller to fit.",
    ] = Decimal(0)
    max_exposure_percent: Annotated[
        Decimal,
        live(loosens="more", gt=0, le=5000, off=True),
        "Most that all that is held or being entered may be worth together, per cent of the equity (100 is "
        "as much as there is). A trade is made smaller to fit.",
    ] = Decimal(0)
    max_open_trades: Annotated[
        int,
        live(loosens="more", ge=1, le=100),
        "Most trades open at a time, all products together.",
    ] = 6
    plans_per_contract: Annotated[
        int | None,
        live(loosens="more", ge=1, le=20, default="as many as the run has bots that trade, at least 1"),
        "Most trades open or being entered at a time in one contract, of all bots, rooms and people "
        "together. All of them go the same way: the account nets.",
    ] = None
    max_trades: Annotated[
        int,
        live(loosens="more", ge=1, le=1000, off=True),
        "Most trades of a trade date; then locked until the next, open ones run on.",
    ] = 40
    max_losses_in_a_row: Annotated[
        int,
        live(loosens="more", ge=1, le=100, off=True),
        "After so many lost trades in a row locked until the next trade date; open ones run on.",
    ] = 0
    reward_to_risk_min: Annotated[
        float,
        live(loosens="less", ge=0.1, le=20),
        "A trade must promise at least so many times what it risks.",
    ] = 1.5
    min_score_tenths: int = 60
    """Least score of an idea, out of a hundred; the strategy's setting."""
    slippage_ticks: Annotated[
        int,
        live(loosens="less", ge=0, le=100),
        "Slippage assumed per side when a trade is sized, ticks.",
    ] = 1
    break_even_after_first_target: Annotated[
        bool,
        live(loosens="less"),
        "Move the stop to break-even once the first target has filled.",
    ] = True
    break_even_offset_ticks: Annotated[
        int | None,
        live(ge=0, le=1000, default="as many as pay for the costs of both sides, and slippage_ticks"),
        "How far beyond the average entry break-even is, ticks.",
    ] = None
    trail_ticks: Annotated[
        int,
        live(ge=4, le=1000, off=True),
        "Stops follow the best price of a trade at this distance, ticks.",
    ] = 0
    trail_after_r: Annotated[
        float,
        live(ge=0, le=40),
        "Stops begin to follow once a trade is so many times its initial risk in profit.",
    ] = 0.0
    single_contract: Annotated[
        SingleContract,
        RESTART,
        "One contract with two targets: t1 leaves at the first; hold goes to break-even there and waits "
        "for the second.",
    ] = SingleContract.T1
    foreign_positions: Annotated[
        ForeignPositions,
        LIVE,
        "Contracts in a product of tstream's that no trade of its own opened: protect gives them a stop "
        "unless stops at the venue cover them, leave leaves them, flatten closes the product's position.",
    ] = ForeignPositions.PROTECT
    hours_start: Annotated[
        str,
        live(allowed="a time of day such as 08:30, or empty"),
        "Entries only from this time of day, in hours_zone. Empty: around the clock.",
    ] = ""
    hours_end: Annotated[
        str,
        live(allowed="a time of day such as 15:00, or empty"),
        "Entries only before this time of day; earlier than hours_start means the next day.",
    ] = ""
    hours_zone: Annotated[
        str,
        live(allowed="a time zone such as Europe/Helsinki"),
        "Time zone of your hours.",
    ] = "America/Chicago"
    must_be_flat: Annotated[
        bool,
        RESTART,
        "Positions must be closed before 15:10 Chicago time, earlier on days that close early. Without it "
        "entries end before the session's close, and nothing is flattened by the clock.",
    ] = True
    no_entry_before_flat_ns: Annotated[
        int,
        live(loosens="less", key="no_entry_minutes", unit=MINUTE, ge=1, le=600),
        "No entry so many minutes before positions must be flat (15:10 Chicago time).",
    ] = 15 * MINUTE
    flatten_before_flat_ns: Annotated[
        int,
        live(loosens="less", key="flatten_minutes", unit=MINUTE, ge=1, le=600),
        "Everything is flattened so many minutes before positions must be flat (15:10 Chicago time).",
    ] = 5 * MINUTE
    reduce_on_unknown_days: Annotated[
        bool,
        live(loosens="less"),
        "No entries on days of a year whose exchange holidays tstream does not know. The practice venue "
        "plays any day.",
    ] = True
    expiry_days: Annotated[
        int,
        live(loosens="less", ge=0, le=60),
        "No entries in a contract so many days before its last day (index futures: the third Friday; "
        "metals: first notice).",
    ] = 2
    unprotected_ns: Annotated[
        int,
        live(loosens="more", key="unprotected_seconds", unit=NANOS, kind=float, ge=1, le=30),
        "A trade that has stood without its stop at the venue for so long is closed, whatever became of the "
        "stop; a second later where the venue was to keep the stop by itself. Seconds.",
    ] = 2 * NANOS
    enter_on_delayed_prices: Annotated[
        bool,
        live(loosens="more"),
        "Whether accounts at a broker are entered although what prices the contract is told late, as Yahoo "
        "is: by minutes, and of some exchanges by ten or more. Paper books are in any case.",
    ] = False
    stale_ns: Annotated[
        int,
        live(loosens="more", key="stale_seconds", unit=NANOS, kind=float, ge=1, le=600),
        "Market data older than this is stale: no entries. Index futures and metals are quoted several "
        "times a second all session; what is quoted less often than every ten seconds needs more.",
    ] = 10 * NANOS
