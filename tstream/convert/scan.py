"""From [scan] to the scanner's bots, one for each validated signal, and the paper book that they play in."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from engine.books.bots import Bot
from engine.model.bots import BotConfig, BotMode
from engine.model.config import BookConfig, PaperConfig
from engine.model.limits import RiskLimits
from engine.model.sizing import ByRisk
from engine.strategies.edges.strategy import EdgePlayer
from tstream import paths
from tstream.errors import CommandError
from tstream.scan.analyses import ValidatedSignal, find_signals
from tstream.settings.declared import filled
from tstream.settings.model import Settings
from tstream.settings.venues import SCAN

STRATEGY = "edge"

_MEASURES = {"daily_loss_usd": Decimal(0), "max_trades": 0, "max_losses_in_a_row": 0, "max_open_trades": 100}
"""What a book that measures has none of, whatever [risk] says: limits of a day would leave results out."""
_MOST_LOTS = 1_000_000


def scan_bots(settings: Settings) -> list[Bot]:
    """Raises CommandError where there is nothing to look for."""
    return [_bot(settings, signal) for signal in _signals(settings)]


def _signals(settings: Settings) -> tuple[ValidatedSignal, ...]:
    return find_signals(settings, paths.find().data / "analysis").signals


def _bot(settings: Settings, signal: ValidatedSignal) -> Bot:
    scan, timeframe = settings.scan, signal.edge.timeframe
    config = BotConfig(
        signal.name,
        STRATEGY,
        mode=BotMode.TRADE if scan.books else BotMode.SIGNALS,
        instruments=(signal.contract,),
        timeframes=(timeframe,),
        books=(SCAN, *scan.books) if scan.books else (),
        sizing=ByRisk(scan.risk_usd(timeframe)),
        shadow=SCAN,
        error_rate=scan.error_rate,
    )
    return Bot(config, EdgePlayer(signal.edge))


def scan_book(settings: Settings) -> BookConfig:
    """The paper book of the scanner's bots alone: it plays whatever `trading` says, and what it is told in
    [scan] risk limits it.
    """
    scan = settings.scan
    own = scan.risk.model_fields_set if scan.risk is not None else set[str]()
    changes = {key: getattr(scan.risk, key) for key in own}
    changes |= {name: value for name, value in _MEASURES.items() if name not in own}
    risk = settings.risk.model_copy(update=changes)
    limits = structs.replace(
        filled(RiskLimits, risk),
        risk_per_trade_usd=max(scan.risk_usd(timeframe) for timeframe in scan.timeframes),
        max_contracts=_MOST_LOTS,
        reward_to_risk_min=0.1,
        plans_per_contract=20,
        start_balance_usd=scan.capital_usd,
        high_balance_usd=None,
        floor_fixed=False,
        break_even_after_first_target=False,
        trail_ticks=0,
    )
    try:
        owners = tuple(signal.name for signal in _signals(settings))
    except CommandError:  # whoever makes the bots tells of it; others just look at the settings
        owners = (SCAN,)
    paper = PaperConfig(balance_usd=scan.capital_usd, always=True)
    return BookConfig(SCAN, risk=limits, paper=paper, bots=owners)
