"""Why an entry was not placed: every reason has a code and a sentence (docs/safety.md lists them)."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Worded(StrEnum):
    """A code, written down, with the sentence that people read."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        found = str.__new__(cls, code)
        found._value_, found.sentence = code, sentence
        return found


class Refusal(Worded):
    OFF = "off", 'trading is off (set trading = "paper", or "live")'
    NOT_ARMED = "not_armed", "this live account is not armed (start once and type its name)"
    PAUSED = "paused", "entries are paused (resume with the pause key)"
    LOCKED = "locked", "locked by a risk limit; status says which, and until when"
    HALTED = "halted", "halted by hand (tstream resume --halted lifts it)"
    NOT_RECONCILED = "not_reconciled", "positions and orders are not yet verified with the venue"
    ACCOUNT_BLOCKED = "account_blocked", "the venue says this account may not trade"
    JOURNAL_DOWN = "journal_down", "the journal can't be written"
    FEED_STALE = "feed_stale", "market data is stale"
    DELAYED = "delayed", "prices come delayed, and no real account is entered on them"
    CLOCK = "clock", "the market's times and this machine's clock are a minute or more apart"
    TOO_LATE = "too_late", "the signal is too old"
    VENUE_DOWN = "venue_down", "the venue is not connected"
    OUTSIDE_HOURS = "outside_hours", "outside trading hours"
    NEAR_CLOSE = "near_close", "too near to the time by which positions must be flat"
    BLACKOUT = "blackout", "scheduled news is near"
    IN_POSITION = "in_position", "a trade is already open in this contract"
    OPPOSED = "opposed", "a trade in this contract goes the other way, and the account nets"
    UNKNOWN_ORDER = "unknown_order", "the outcome of an earlier order is not yet known"
    UNKNOWN_DAY = "unknown_day", "the exchange's holidays of this year are not known"
    EXPIRING = "expiring", "the contract is too near to its last day"
    OLD_MONTH = "old_month", "another account still holds the month before, by whose prices the contract goes"
    BAND = "band", "most of a loss limit is used up"
    MAX_TRADES = "max_trades", "the number of trades for this day is used up"
    LOSING_STREAK = "losing_streak", "too many trades were lost in a row on this day"
    DAILY_LOSS = "daily_loss", "the risk of this trade exceeds what the daily loss limit leaves"
    MAX_LOSS = "max_loss", "the risk of this trade exceeds what the maximum loss limit leaves"
    DRAWDOWN = "drawdown", "the risk of this trade exceeds what the drawdown limit leaves"
    ROOM_LOSS = "room_loss", "the risk of this trade exceeds what the room's daily loss limit leaves"
    SIZE_ZERO = "size_zero", "one contract would risk more than a trade may"
    COPY_RATIO = "copy_ratio", "this book's copy ratio leaves nothing to trade"
    MAX_CONTRACTS = "max_contracts", "the account may not hold more contracts"
    MAX_NOTIONAL = "max_notional", "one lot is worth more than a trade may be"
    MAX_EXPOSURE = "max_exposure", "all trades together may not be worth more"
    MARGIN = "margin", "the margin that is available does not carry one lot"
    MAX_SIZE = "max_size", "as many trades are open as may be at a time"
    REWARD_TO_RISK = "reward_to_risk", "reward to risk is too small"
    SCORE = "score", "the score is too low"
    SIZE_LESS = "size_less", "the trade may not be as large as was asked for"
    SIGNALS_ONLY = "signals_only", "this bot gives signals only"
    COOLDOWN = "cooldown", "this bot has entered here a short time ago"
    NOT_ITS_OWN = "not_its_own", "the contract is none of this bot's"
    NOT_LISTED = "not_listed", "the book's venue does not list it"
    NO_SPOT = "no_spot", "this account can watch coins and not trade them"
    CONFIDENCE = "confidence", "rules, model and mood together are not sure enough"
    SHORTS_OFF = "shorts_off", "bots may not sell short"
    NO_SHORTS = "no_shorts", "it can't be sold short"
    LEAST_NOTIONAL = "least_notional", "the order is worth less than the venue takes"
    CURRENCY = "currency", "it is settled in another currency than the book counts in"
    BRACKET_DISTANCE = "bracket_distance", "stop or target is nearer or farther than the venue allows"


OVERRIDES: dict[str, Refusal] = {
    "hours": Refusal.OUTSIDE_HOURS,
    "news": Refusal.BLACKOUT,
    "pause": Refusal.PAUSED,
    "reward-to-risk": Refusal.REWARD_TO_RISK,
}
"""What a person may override by typing its word (docs/manual-orders.md#overrides). Nothing else gives way:
no loss limit, no lock, no account that is not armed, no blindness. A trade by hand has no score that could be
too low.
"""
