"""What a JSON file of a bot may say (docs/json-bots.md). Shares are of 1, percentages of 100."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from adapters.notify.content.message import NewsEvent
from engine.model.market import Timeframe
from engine.strategies.indicators.strategy import Sides
from tstream.settings.fields import Number, Section, Usd, Whole, refuse
from tstream.settings.venues import PaperName

_EVENTS = "a list of " + ", ".join(NewsEvent)
_TOLD = (NewsEvent.TRADE_ENTRY, NewsEvent.TRADE_EXIT, NewsEvent.ERROR)


def key(default: Any, words: str, *, allowed: str = "", **bounds: Any) -> Any:
    """Declare one key. `allowed` says what may stand there, where kind and bounds don't say it."""
    extra: Any = {"allowed": allowed} if allowed else {}
    return Field(default, description=words, json_schema_extra=extra, **bounds)


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _inside(text: str) -> str:
    """A file below the bot's own folder, wherever the words of others would have it."""
    parts = text.replace("\\", "/").split("/")
    if text and (text.startswith(("/", "~")) or ":" in parts[0] or ".." in parts or not text.isprintable()):
        raise refuse(
            "must be a file below the bot's own folder, such as logs/bot.log: no .. and no / in front"
        )
    return "/".join(part for part in parts if part not in ("", "."))


def _text(value: object) -> object:
    """1.0 stands for "1.0"."""
    plain = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return str(value) if plain else value


class BrokerPart(Section):
    """Who fills its orders."""

    type: str = key(
        ...,
        "mock: play money on a market that tstream makes itself; binance_paper: play money on Binance's "
        "prices; binance, ibkr: your account there. Any venue that tstream knows, and its name with _paper.",
        allowed="mock, a venue such as binance or ibkr, or its name with _paper",
        max_length=40,
    )
    book: str = key(
        "",
        "Which account, by the name of its book, where the venue has several: tstream status names them.",
        max_length=48,
    )
    initial_balance: Usd = key(
        Decimal(10_000),
        "What play money begins with. A real account has a balance of its own.",
        gt=0,
        le=100_000_000,
    )
    commission: Usd | None = key(
        None,
        "Fee of each side of a trade with play money, as a share of what is traded (0.001 is 0.1 %), in "
        "place of the product's own.",
        ge=0,
        le=Decimal("0.1"),
    )


class TradingPart(Section):
    """What it trades, how large, and how much at a time."""

    symbol: str = key(
        ..., "What it trades: BTCUSDT, AAPL, MNQ.", allowed="a symbol such as BTCUSDT or MNQ", max_length=40
    )
    position_size: Usd | None = key(
        None, "Worth of a new trade as a share of the book's equity: 0.1 is a tenth.", gt=0, le=50
    )
    max_positions: Whole = key(1, "Its trades that may be open at a time.", ge=1, le=20)
    max_drawdown_pct: Usd | None = key(
        None,
        "How far the book's equity may fall below the highest it has had, open trades included, per cent of "
        "that; a little before, everything is closed and the book is locked.",
        gt=0,
        le=100,
    )
    max_exposure: Usd | None = key(
        None,
        "What all its open trades may be worth together, as a share of the book's equity: 1 is all of it.",
        gt=0,
        le=50,
    )


class DataPart(Section):
    """Where its prices come from."""

    data_source: str = key(
        ...,
        "binance, yahoo or ibkr, or any other venue that tstream knows; practice is the built-in futures "
        "market.",
        allowed="a venue such as binance, yahoo, ibkr or practice",
        max_length=40,
    )
    symbol: str | None = key(
        None, "The same as trading.symbol.", allowed="the same as trading.symbol", max_length=40
    )
    interval: Timeframe = key(..., "Of the bars that it looks at.")
    lookback_bars: Whole = key(
        1000, "Bars of the past that it may look at; no fewer than its indicators need.", ge=1, le=100_000
    )
    retry_interval: Whole = key(
        60, "A lost connection is tried again after so many seconds at the latest.", ge=1, le=3600
    )


class LogicPart(Section):
    """An entry or an exit, with its parameters."""

    name: str = key(..., "Which one; docs/json-bots.md lists them.", max_length=60)
    params: dict[str, Any] = key(
        {}, "Its parameters, with or without e_ and x_ in front.", allowed="an object of parameters"
    )


class StrategyPart(Section):
    """What it looks for, and how it leaves."""

    type: str = key(
        "custom",
        "custom is put together of one entry and one exit; any other that `tstream strategies` lists takes "
        "params.",
        max_length=60,
    )
    entry_logic: LogicPart | None = key(None, "When it enters.", allowed="an object with name and params")
    exit_logic: LogicPart | None = key(None, "When it leaves.", allowed="an object with name and params")
    sides: Sides = key(Sides.BOTH, "Which way it trades, where it is custom.")
    params: dict[str, Any] = key(
        {}, "Parameters of a strategy that is not custom.", allowed="an object of parameters"
    )
    position_size: Usd | None = key(None, "The same as trading.position_size.", gt=0, le=50)


class ChannelPart(Section):
    """What one channel is told of this bot. Tokens and addresses are those of tstream.toml and .env."""

    enabled: bool = key(False, "Whether it is told anything.")
    notify_on: tuple[NewsEvent, ...] = key(_TOLD, "Of what.", allowed=_EVENTS, max_length=20)


class NotificationsPart(Section):
    """News of its trades."""

    enabled: bool = key(True, "Whether any channel is told.")
    telegram: ChannelPart = key(ChannelPart(), "By Telegram.")
    email: ChannelPart = key(ChannelPart(), "By mail.")


class TrailingPart(Section):
    """A stop that follows the best price."""

    enabled: bool = key(False, "Whether it follows.")
    activation_pct: Number = key(
        0.0, "It begins to follow once a trade has won so much, per cent of its price.", ge=0, le=500
    )
    trailing_pct: Number = key(
        2.0, "How far behind it stays, per cent of the price at the entry.", gt=0, le=50
    )


class RiskPart(Section):
    """Where a trade ends, and when the day does."""

    stop_loss_pct: Number | None = key(
        None,
        "Where the stop stands, per cent of the price at the entry. Needed where the exit sets none.",
        gt=0,
        le=50,
    )
    take_profit_pct: Number | None = key(
        None, "Where the target stands, per cent of the price at the entry.", gt=0, le=500
    )
    trailing_stop: TrailingPart = key(TrailingPart(), "A stop that follows.")
    max_daily_trades: Whole | None = key(None, "Its trades of a trade date.", ge=1, le=1000)
    max_daily_loss: Usd | None = key(
        None,
        "Net loss of a trade date, open trades included, in the account's currency: a little before, "
        "everything is closed and the book is locked until the next.",
        gt=0,
        le=100_000_000,
    )


class LoggingPart(Section):
    """What is written down of it in files of its own, in data/bots/NAME."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = key(
        "INFO", "Least level of the lines in log_file."
    )
    save_trades: bool = key(False, "Keep trades.json and orders.json.")
    save_equity_curve: bool = key(False, "Keep equity.csv, a line a minute.")
    log_file: Annotated[str, AfterValidator(_inside)] = key(
        "",
        "Its own log, below its folder; empty keeps none. Errors go to errors.log beside it too.",
        max_length=200,
        allowed="a file below the bot's own folder, such as logs/bot.log",
    )


class BotFile(Section):
    """One bot, with a book of its own."""

    model_config = ConfigDict(title="tstream JSON bot")

    name: PaperName | None = key(
        None,
        "What bot and book are called; without it as the file.",
        allowed="a short name of small letters, digits and hyphens",
    )
    description: str = key("", "For people.", max_length=500)
    version: Annotated[str, BeforeValidator(_text)] = key("", "For people.", max_length=40)
    broker: BrokerPart = key(..., "Who fills its orders.")
    trading: TradingPart = key(..., "What it trades, how large.")
    data: DataPart = key(..., "Where its prices come from.")
    strategy: StrategyPart = key(..., "What it looks for.")
    notifications: NotificationsPart = key(NotificationsPart(), "News of its trades.")
    risk_management: RiskPart = key(RiskPart(), "Where a trade ends, and when the day does.")
    logging: LoggingPart = key(LoggingPart(), "What is written down of it.")
