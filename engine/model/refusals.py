"""Why an entry was not placed: every reason has a code and a sentence (docs/safety.md lists them)."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    OFF = "off"
    NOT_ARMED = "not_armed"
    PAUSED = "paused"
    LOCKED = "locked"
    HALTED = "halted"
    NOT_RECONCILED = "not_reconciled"
    ACCOUNT_BLOCKED = "account_blocked"
    JOURNAL_DOWN = "journal_down"
    FEED_STALE = "feed_stale"
    TOO_LATE = "too_late"
    VENUE_DOWN = "venue_down"
    OUTSIDE_HOURS = "outside_hours"
    NEAR_CLOSE = "near_close"
    IN_POSITION = "in_position"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_DAY = "unknown_day"
    EXPIRING = "expiring"
    BAND = "band"
    MAX_TRADES = "max_trades"
    LOSING_STREAK = "losing_streak"
    DAILY_LOSS = "daily_loss"
    MAX_LOSS = "max_loss"
    ROOM_LOSS = "room_loss"
    SIZE_ZERO = "size_zero"
    MAX_CONTRACTS = "max_contracts"
    MAX_SIZE = "max_size"
    REWARD_TO_RISK = "reward_to_risk"
    SCORE = "score"
    BRACKET_DISTANCE = "bracket_distance"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Refusal.OFF: 'trading is off (set trading = "live" or use the practice venue)',
    Refusal.NOT_ARMED: "this live account is not armed (start once and type its name)",
    Refusal.PAUSED: "entries are paused (resume with the pause key)",
    Refusal.LOCKED: "locked by a risk limit; status says which, and until when",
    Refusal.HALTED: "halted by hand (tstream resume --halted lifts it)",
    Refusal.NOT_RECONCILED: "positions and orders are not yet verified with the venue",
    Refusal.ACCOUNT_BLOCKED: "the venue says this account may not trade",
    Refusal.JOURNAL_DOWN: "the journal can't be written",
    Refusal.FEED_STALE: "market data is stale",
    Refusal.TOO_LATE: "the signal is too old",
    Refusal.VENUE_DOWN: "the venue is not connected",
    Refusal.OUTSIDE_HOURS: "outside trading hours",
    Refusal.NEAR_CLOSE: "too near to the time by which positions must be flat",
    Refusal.IN_POSITION: "a trade is already open in this contract",
    Refusal.UNKNOWN_ORDER: "the outcome of an earlier order is not yet known",
    Refusal.UNKNOWN_DAY: "the exchange's holidays of this year are not known",
    Refusal.EXPIRING: "the contract is too near to its last day",
    Refusal.BAND: "most of a loss limit is used up",
    Refusal.MAX_TRADES: "the number of trades for this day is used up",
    Refusal.LOSING_STREAK: "too many trades were lost in a row on this day",
    Refusal.DAILY_LOSS: "the risk of this trade exceeds what the daily loss limit leaves",
    Refusal.MAX_LOSS: "the risk of this trade exceeds what the maximum loss limit leaves",
    Refusal.ROOM_LOSS: "the risk of this trade exceeds what the room's daily loss limit leaves",
    Refusal.SIZE_ZERO: "one contract would risk more than a trade may",
    Refusal.MAX_CONTRACTS: "the account may not hold more contracts",
    Refusal.MAX_SIZE: "as many trades are open as may be at a time",
    Refusal.REWARD_TO_RISK: "reward to risk is too small",
    Refusal.SCORE: "the score is too low",
    Refusal.BRACKET_DISTANCE: "stop or target is nearer or farther than the venue allows",
}
