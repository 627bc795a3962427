"""The examples of the docs/adding-*.md pages run against the program as it is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date
from decimal import Decimal
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from adapters.common.finding import Check
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import practice_open
from engine.core import Core
from engine.lab.replay import Replay
from engine.model import events as ev
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.effects import CancelOrder, PlaceOrder
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, Side
from engine.model.orders import AccountKind, OrderSpec, OrderType
from engine.model.records import PlanOpened
from engine.ports import Broker, MarketFeed, OpenVenue
from engine.venue.fill_model import FillModel
from tests.docs.pages import DOCS, examples
from tests.support.patience import patient
from tests.tui import fake
from tstream.convert.venues import venue_asked
from tstream.settings.model import Settings
from tstream.venues import known
from tui.screen_state import ScreenState
from tui.styled_text import text_of


@pytest.fixture
def example(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The module that a page spells out."""
    code = "\n\n".join(examples(DOCS / request.param))
    module = ModuleType(f"example_{request.param.replace('-', '_').removesuffix('.md')}")
    sys.modules[module.__name__] = module
    exec(compile(code, request.param, "exec"), vars(module))
    yield module
    del sys.modules[module.__name__]


@pytest.mark.parametrize("example", ["adding-a-strategy.md"], indirect=True)
def test_the_strategy_trades_on_the_generated_market(example: Any) -> None:
    source = GeneratedMarket(60, practice_open(date(2026, 11, 16)), rate=0.1)
    instruments = {i.symbol: i for i in source.instruments}
    config = EngineConfig(
        instruments=tuple(instruments.values()),
        venue="replay",
        install="docs",
        boot=1,
        trading=TradingSwitch.LIVE,
        templates=(BookConfig(risk=RiskLimits(min_score_tenths=0)),),
        bar_grace_ns=0,
    )
    plans: list[PlanOpened] = []
    core = Core(config, example.Breakout())
    replay = Replay(
        core, instruments, FillModel(), lambda new: plans.extend(r for r in new if isinstance(r, PlanOpened))
    )
    replay.run(source.start_ts, source.history, source.events(), source.start_ts + 20 * MINUTE)
    assert plans
    assert {opened.plan.strategy for opened in plans} == {"breakout"}
    (code,) = examples(DOCS / "adding-a-strategy.md")
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 30


@pytest.mark.parametrize("example", ["adding-a-pane.md"], indirect=True)
def test_the_pane_shows_the_session(example: Any) -> None:
    rows = example.session_rows(ScreenState(fake.trading_view()), 30)
    assert [text_of(row).split() for row in rows] == [
        ["phase", "RTH"],
        ["trade", "date", "2026-10-14"],
        ["flat", "by", "15:10", "Chicago"],
    ]
    assert all(len(text_of(row)) == 30 for row in rows)
    assert example.SessionPane.NAME == "session"


class Gateway:
    """The other end of the example's wire."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.order = {
            "kind": "order", "id": "7", "tag": "ts-1", "symbol": "MNQ", "side": "buy", "type": "market",
            "qty": 2, "status": "filled", "limit": None, "stop": None, "filled": 2, "ts": 5,
        }  # fmt: skip
        self.fill = {
            "kind": "fill", "id": "f1", "order": "7", "symbol": "MNQ", "side": "buy", "price": "21000.25",
            "qty": 2, "cost": "1.22", "ts": 5,
        }  # fmt: skip

    async def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((path, body))
        if path == "cancel":
            raise TimeoutError
        answers: dict[str, Mapping[str, Any]] = {
            "contract": {"id": "CON.MNQ", "name": "MNQZ6"},
            "account": {"id": "1", "name": "A", "demo": False, "balance": "50000", "can_trade": True},
            "place": {"ok": body.get("qty", 0) < 10, "why": "too many", "id": 7},
            "everything": {
                "orders": [self.order],
                "fills": [self.fill],
                "positions": [{"symbol": "MNQ", "qty": 2, "average": "21000.25"}],
            },
            "bars": {"bars": [{"ts": 0, "o": "1", "h": "2", "l": "1", "c": "1.5", "v": 9}]},
        }
        return answers[path]

    async def stream(self, topic: str) -> AsyncIterator[Mapping[str, Any]]:
        if topic == "market":
            yield {"symbol": "MNQ", "ts": 4, "bid": "21000.00", "ask": "21000.25"}
        else:
            yield self.order
            yield self.fill


def buy(qty: int) -> PlaceOrder:
    return PlaceOrder("example", "ts-1", "MNQ", OrderSpec(Side.BUY, OrderType.MARKET, qty))


@pytest.mark.parametrize("example", ["adding-a-venue.md"], indirect=True)
async def test_the_venue_speaks_to_the_engine(example: Any) -> None:
    gateway, heard = Gateway(), list[ev.AnyEvent]()
    mnq = {"MNQ": CME_FUTURES["MNQ"]}
    feed: MarketFeed = example.ExampleFeed(gateway, mnq, lambda: 9)
    broker: Broker = example.ExampleBroker(gateway, mnq, lambda: 9)
    async with asyncio.timeout(patient(5)):
        await feed.run(heard.append)
        await broker.run(heard.append)
        (bar,) = await feed.history("MNQ", 0, MINUTE)
        taken = await broker.snapshot(3)
        assert await broker.place(buy(2)) == "7"
        with pytest.raises(RefusedError, match="too many"):
            await broker.place(buy(10))
        with pytest.raises(UnknownOutcomeError):
            await broker.cancel(CancelOrder("example", "ts-1", "7", "MNQ"))
    assert [type(event) for event in heard] == [
        ev.ContractResolved, ev.LinkChanged, ev.Quote,
        ev.AccountAdopted, ev.LinkChanged, ev.OrderReported, ev.FillReported,
    ]  # fmt: skip
    quote, adopted, filled = heard[2], heard[3], heard[-1]
    assert isinstance(quote, ev.Quote)
    assert (quote.bid, quote.ask) == (84000, 84001)
    assert isinstance(adopted, ev.AccountAdopted)
    assert adopted.account.kind is AccountKind.LIVE
    assert isinstance(filled, ev.FillReported)
    assert filled.fill == taken.fills[0]
    assert (bar.open, bar.close, bar.backfilled) == (4, 6, True)
    assert (taken.since, taken.positions[0].average_price) == (3, Decimal("21000.25"))
    assert [path for path, _ in gateway.asked].count("cancel") == 1


@pytest.mark.parametrize("example", ["adding-a-venue.md"], indirect=True)
async def test_the_venues_kind_is_found_by_its_entry_point(
    example: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway()
    example.EXAMPLE = example.example(lambda asked: gateway)
    point = EntryPoint("example", f"{example.__name__}:EXAMPLE", known.GROUP)
    monkeypatch.setattr(known, "entry_points", lambda group: (point,) if group == known.GROUP else ())
    for cached in (known.kind, known._others):
        cached.cache_clear()
    try:
        about = known.kind("example")
        said: dict[str, Any] = {"venues": {"example": {"key": "secret-word"}}, "contracts": ["MNQ"]}
        settings = Settings(**said)
        assert settings.venues["example"].about is about
        asked = venue_asked(settings, "example", lambda: 9)
        venue: OpenVenue = about.make(asked)
        assert [broker.book for broker in venue.brokers] == ["example"]
        assert [
            one.name for one in await about.probe(asked, lambda found: Check("limits", True, found.name))
        ] == [
            "account",
            "limits",
        ]
        await venue.close()
    finally:
        for cached in (known.kind, known._others):
            cached.cache_clear()
