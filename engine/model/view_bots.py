"""What people see of bots: how each does, and how it stands to its backtest."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from engine.model.orders import AccountKind


class BacktestView(Struct, frozen=True):
    """A bot's live results beside what its backtest promised (docs/scanner.md#behind-its-backtest). R is net,
    in units of what was risked; shares are 0..1.
    """

    trades: int
    """Of the backtest."""
    win_rate: float
    mean_r: float
    live_trades: int = 0
    live_wins: int = 0
    live_mean_r: float | None = None
    at_most_r: float | None = None
    """The upper end of the band that the true mean is in; below `mean_r` it is behind."""
    p: float = 1.0
    """Of results that are so bad at any time, were the promise kept."""
    behind: bool = False

    @property
    def verdict(self) -> str:
        """As it is told."""
        if not self.live_trades:
            return "no trade yet"
        return "below the band" if self.behind else "within the band"


class BotResult(Struct, frozen=True):
    """What a bot has made of one kind of money, in one currency; net of costs."""

    kind: AccountKind
    currency: str
    day_usd: Decimal
    """Of its trades that closed today."""
    net_usd: Decimal
    """Of all trades of its that are in the journal."""


class BotView(Struct, frozen=True):
    """One strategy instance of several."""

    name: str
    strategy: str
    mode: str
    """ "trade", or "signals": it says what it would do."""
    out: str = ""
    """Why it is not asked any more in this run; empty while it runs."""
    open_plans: int = 0
    day_usd: Decimal = Decimal(0)
    """Net of costs, of its trades that closed today, of the strictest kind of money that it has traded, in
    the first currency of that; what it made besides is in `beside`."""
    entries: int = 0
    """Trades that it has opened today."""
    wins: int = 0
    """Of all trades of its that are in the journal."""
    losses: int = 0
    net_usd: Decimal = Decimal(0)
    """What those came to, net of costs, of the same money."""
    stopped: str = ""
    """By whom: where the command came from, or its backtest with the reason; empty while nobody has."""
    instruments: tuple[str, ...] = ()
    """Its contracts; empty means all."""
    books: tuple[str, ...] = ()
    """The books that its ideas go to; empty means all."""
    backtest: BacktestView | None = None
    """Where a backtest speaks for it."""
    currency: str = "USD"
    """Of `day_usd` and `net_usd`."""
    beside: tuple[BotResult, ...] = ()
    """Other kinds of money and currencies, which are never added to these."""

    @property
    def state(self) -> str:
        """As it is told: "running", "signals only", "stopped by cli", "out: failed, see the log"."""
        if self.out:
            return f"out: {self.out}"
        if self.stopped:
            return f"stopped by {self.stopped}"
        return "signals only" if self.mode == "signals" else "running"
