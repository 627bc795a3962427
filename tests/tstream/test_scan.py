"""tstream scan: which signals are looked for, as which bots, what is printed, and the report."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.books.bots import Bot
from engine.lab.edges.analysis import Edge, Stage
from engine.lab.edges.candidates import EdgeFigures
from engine.market.bars import BarsClosed
from engine.model import records as r
from engine.model.bots import BotMode
from engine.model.config import TradingSwitch
from engine.model.expectation import Expectation
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.notices import NoticeKind, Severity
from engine.model.plans import Leg, TradePlan
from engine.model.scores import PatternSeen
from engine.model.sizing import ByRisk
from engine.model.view import BacktestView, BotView, View
from engine.strategies.edges.strategy import EdgePlayer
from tests.notify.scenes import NOW, SIGNAL, a_notice, a_view, an_alignment, later
from tests.support.analyses import an_analysis, an_edge, write_analysis
from tests.tstream.conftest import Reading
from tstream.cli import call
from tstream.convert.bots import bots
from tstream.convert.risk import paper_books
from tstream.convert.scan import scan_book, scan_bots
from tstream.errors import CommandError, SettingsError
from tstream.paths import Paths
from tstream.run.scanning import scanning
from tstream.scan.analyses import find_signals
from tstream.scan.report import read_report
from tstream.scan.screen import CandleWatch, ScanScreen
from tstream.settings.model import Settings

Out = pytest.CaptureFixture[str]
M5 = Timeframe.M5


@pytest.fixture
def folder(places: Paths) -> Path:
    return places.data / "analysis"


def found(settings: Settings, folder: Path, *edges: Edge) -> tuple[list[str], str]:
    """Names of what is looked for, and what was left out, in one text."""
    write_analysis(folder, edges)
    told = find_signals(settings, folder)
    return [signal.name for signal in told.signals], " | ".join(told.left_out)


def test_what_stood_every_test_is_looked_for_by_a_name_that_says_it(reading: Reading, folder: Path) -> None:
    names, left_out = found(
        reading().settings,
        folder,
        an_edge("break bos", M5, 1),
        an_edge("level_held", Timeframe.M2, 0, "trending with"),
        an_edge("pool_swept", M5, -1, failed="p 0.2 by Holm"),
    )
    assert names == ["scan-5m-mnq-break-bos-long", "scan-2m-mnq-level-held-both-ways-trending-with"]
    assert left_out == ""


def test_the_newest_of_two_backtests_of_the_same_counts(reading: Reading, folder: Path) -> None:
    import msgspec

    for name, end_s, won in (
        ("edge_analysis_b.json", 1_754_000_000, 0.7),
        ("edge_analysis_a.json", 9**10, 0.5),
    ):
        tested = EdgeFigures(60, won, 1.8, 0.4, 1.4, 24.0)
        folder.mkdir(parents=True, exist_ok=True)
        edge = an_edge("break bos", M5, tested=tested)
        (folder / name).write_bytes(msgspec.json.encode(an_analysis(edge, end_s=end_s)))
    (signal,) = find_signals(reading().settings, folder).signals
    assert signal.edge.expectation is not None
    assert signal.edge.expectation.win_rate == 0.5


@pytest.mark.parametrize(
    ("toml", "edge", "words"),
    [
        ("", an_edge("break bos", instrument="ZW"), "ZW is no contract of this run"),
        ("[scan]\ncontracts = { MNQ = 'YM' }", an_edge("break bos", M5), "YM is no contract of this run"),
        ("[scan]\ntimeframes = ['2m']", an_edge("break bos", M5), "5m is not scanned (2m: scan.timeframes)"),
        (
            "[scan.timeframe.5m]\nmin_win_rate = 0.7",
            an_edge("break bos", M5),
            "62% won (scan.timeframe.5m.min_win_rate)",
        ),
        ("[scan.timeframe.5m]\nmin_profit_factor = 2", an_edge("break bos", M5), "profit factor 1.80 ("),
        ("[scan.timeframe.5m]\nmin_trades = 151", an_edge("break bos", M5), "150 trades ("),
        ("[scan.timeframe.5m]\nreward_to_risk_min = 2.5", an_edge("break bos", M5), "reward to risk 2 ("),
        ("", an_edge("break bos", M5, tested=EdgeFigures(60, 0.6, 2, 9.0, 1, 9)), "do not fit together"),
    ],
)
def test_what_the_settings_do_not_want_is_left_out_with_its_number_and_key(
    toml: str, edge: Edge, words: str, reading: Reading, folder: Path
) -> None:
    with pytest.raises(CommandError) as error:
        found(reading(toml).settings, folder, edge)
    assert "there is no validated signal to look for" in error.value.lines[0]
    assert words in error.value.lines[1]
    assert "tstream discover" in error.value.lines[-1]


def test_a_signal_may_be_looked_for_in_another_contract(reading: Reading, folder: Path) -> None:
    names, _ = found(
        reading("[scan]\ncontracts = { ES = 'mes' }").settings, folder, an_edge("x", M5, instrument="ES")
    )
    assert names == ["scan-5m-mes-x-both-ways"]


def test_what_is_no_analysis_or_not_finished_is_told(reading: Reading, folder: Path, home: Path) -> None:
    settings = reading().settings
    with pytest.raises(CommandError, match="there is no edge_analysis"):
        find_signals(settings, folder)
    file = write_analysis(folder, [an_edge("break bos", M5)])
    file.write_bytes(b'{"stage": 3}')
    with pytest.raises(CommandError, match="is no analysis"):
        find_signals(settings, folder)
    import msgspec

    file.write_bytes(msgspec.json.encode(an_analysis(an_edge("break bos", M5), stage=Stage.TEST)))
    with pytest.raises(CommandError, match="not analysed yet"):
        find_signals(settings, folder)
    with pytest.raises(CommandError, match=r"elsewhere\.json"):
        find_signals(reading("[scan]\nanalyses = ['elsewhere.json']").settings, folder)


def made(settings: Settings, folder: Path, *edges: Edge) -> list[Bot]:
    write_analysis(folder, edges)
    return scan_bots(settings)


def test_each_is_a_bot_that_signals_with_a_paper_book(reading: Reading, folder: Path) -> None:
    toml = "[scan.timeframe.2m]\ncapital_usd = 5000"
    five, two = made(
        reading(toml).settings, folder, an_edge("break bos", M5, 1), an_edge("break bos", Timeframe.M2)
    )
    assert (five.config.mode, five.config.shadow) == (BotMode.SIGNALS, "scan")
    assert (five.config.instruments, five.config.timeframes) == (("MNQ",), (M5,))
    assert (five.config.sizing, two.config.sizing) == (ByRisk(Decimal(200)), ByRisk(Decimal(100)))
    assert five.config.trades("scan")
    assert not five.config.trades("practice")
    assert five.expectation == Expectation(60, 0.62, 0.41, 2.0, 1.8, 0.97)
    assert isinstance(five.strategy, EdgePlayer)
    assert (five.strategy.config.direction, five.strategy.config.hold_bars) == (1, 24)


def test_one_switch_trades_them_in_books(reading: Reading, folder: Path) -> None:
    (bot,) = made(reading("[scan]\nbooks = ['practice']").settings, folder, an_edge("break bos", M5))
    assert bot.config.mode is BotMode.TRADE
    assert [bot.config.enters(book) for book in ("scan", "practice", "other")] == [True, True, False]


def test_the_paper_book_measures_and_plays_whatever_trading_says(reading: Reading) -> None:
    toml = "[risk]\ndaily_loss_usd = 300\nmax_trades = 4\n[scan]\nrisk = { max_open_trades = 3 }"
    book = scan_book(reading(toml).settings)
    assert (book.risk.daily_loss_usd, book.risk.max_trades, book.risk.max_open_trades) == (Decimal(0), 0, 3)
    assert book.risk.risk_per_trade_usd == 200
    assert book.paper is not None
    assert (book.paper.always, book.paper.balance_usd) == (True, Decimal(10_000))
    assert not book.takes("early"), "ideas of others are none of its business"
    off = reading('trading = "off"\n[scan]\nenabled = true').settings
    assert [one.name for one in paper_books(off)] == ["scan"]
    assert paper_books(reading('trading = "off"').settings) == ()


def test_enabled_they_run_beside_bots_and_in_place_of_the_one_strategy(
    reading: Reading, folder: Path
) -> None:
    write_analysis(folder, [an_edge("break bos", M5)])
    alone = bots(reading("[scan]\nenabled = true").settings)
    assert [bot.name for bot in alone] == ["scan-5m-mnq-break-bos-both-ways"]
    book = scan_book(reading("[scan]\nenabled = true").settings)
    assert book.bots == ("scan-5m-mnq-break-bos-both-ways",)
    beside = bots(reading("[scan]\nenabled = true\n[[bots]]\nname = 'early'").settings)
    assert [bot.name for bot in beside] == ["early", "scan-5m-mnq-break-bos-both-ways"]
    assert [
        bot.name
        for bot in bots(reading("[scan]\nenabled = true\n[[bots]]\nname = 'early'").settings, anywhere=True)
    ] == ["early"]


def test_what_is_wrong_in_the_section_is_told(
    reading: Reading, folder: Path, complaints: Callable[..., list[str]]
) -> None:
    write_analysis(folder, [an_edge("break bos", M5)])
    with pytest.raises(
        SettingsError, match=r"scan.books = .* must be books of the settings, some of practice"
    ):
        bots(reading("[scan]\nenabled = true\nbooks = ['apex']").settings)
    assert complaints("[scan]\nrisk_percent = 20") == [
        "scan.risk_percent = 20: must be a number above 0 and up to 10 (in ~/tstream.toml)"
    ]
    (line,) = complaints("[scan.timeframe.5m]\nmin_win_rat = 0.4")
    assert line.startswith("scan.timeframe.5m.min_win_rat")
    assert "min_win_rate" in line
    (line,) = complaints("[scan.timeframe.7m]\nmin_trades = 4")
    assert line.startswith("scan.timeframe")
    assert reading("[scan]\nerror_rate = 'off'").settings.scan.error_rate == 0


def test_a_shadow_is_a_paper_book_of_the_run(reading: Reading) -> None:
    toml = "[[bots]]\nname = 'early'\nmode = 'signals'\nshadow = 'paper'\n[paper]\nenabled = "
    (bot,) = bots(reading(toml + "true").settings)
    assert (bot.config.shadow, bot.config.trades("paper"), bot.config.trades("practice")) == (
        "paper",
        True,
        False,
    )
    with pytest.raises(SettingsError, match=r"bots\[0\].shadow = .paper.: must be a paper book of this run"):
        bots(reading(toml + "false").settings)


def test_without_an_analysis_a_run_that_scans_says_so(reading: Reading) -> None:
    with pytest.raises(SettingsError, match=r"scan: there is no edge_analysis.*tstream discover"):
        bots(reading("[scan]\nenabled = true").settings)


def test_a_dry_run_sends_nothing_and_trades_in_no_book(reading: Reading) -> None:
    toml = "[scan]\nbooks = ['practice']\n[notify]\ntelegram_chats = [1]\n[[bots]]\nname = 'early'"
    settings = reading(toml, "TSTREAM_NOTIFY_TELEGRAM_TOKEN=1:abc").settings
    dry, wet = scanning(settings, dry_run=True), scanning(settings, dry_run=False)
    assert (dry.scan.books, dry.notify.telegram_chats, dry.scan.enabled) == ((), (), True)
    assert (wet.scan.books, wet.notify.telegram_chats, wet.bots) == (("practice",), (1,), ())
    assert wet.trading is TradingSwitch.LIVE


# --- what is printed -----------------------------------------------------------------------------------


def minute(n: int, gap: bool = False) -> BarsClosed:
    start = NOW - NOW % MINUTE + n * MINUTE
    bar = Bar("MNQ", Timeframe.M1, start, 84_000, 84_010, 83_990, 84_001, 1_234, gap=gap)
    return BarsClosed(bar.close_ts, (bar,))


def test_candles_and_signals_are_printed_in_their_order_and_the_status_after_its_time() -> None:
    watch = CandleWatch([Timeframe.M1])
    screen = ScanScreen([CME_FUTURES["MNQ"]], watch, 5, "America/Chicago")
    assert list(screen.read(a_view(), NOW)) == []
    close = minute(0).ts
    signal = a_notice(1, NoticeKind.SIGNAL, "long MNQ: entering 2", Severity.GOOD, signal=SIGNAL)
    seen = replace(signal, ts=close + NANOS)
    trouble = replace(a_notice(2, NoticeKind.ORDER, "no answer [b]", Severity.WARNING), ts=close + MINUTE + 1)
    watch.on_bars(minute(0), None)  # type: ignore[arg-type]
    watch.on_bars(minute(1, gap=True), None)  # type: ignore[arg-type]
    view = later(a_view(), notices=(seen, trouble), alignment={"MNQ": an_alignment()})
    told = list(screen.read(view, close + MINUTE + 2))
    assert told[0] == "09:43:00 CT  MNQ 1m closed 21000.25, volume 1234"
    assert told[2] == "09:43:01 CT  Signal: LONG 2 MNQ"
    assert "  Risk : reward: 1 : 1.5" in told
    assert "  Win rate: 62 %" in told
    assert told[-2].startswith("09:44:00 CT  MNQ 1m closed")
    assert told[-2].endswith("the feed was blind in it")
    assert told[-1] == "09:44:00 CT  no answer [b]"
    assert list(screen.read(view, close + 2 * MINUTE)) == []
    status = list(screen.read(view, NOW + 6 * MINUTE))
    assert [line.split(": ")[0].strip() for line in status[1:]] == ["Runtime", "Candles", "Signals", "Rate"]
    assert status[1:3] == ["  Runtime: 6 min", "  Candles: 2"]
    assert list(screen.ended(view, NOW + 7 * MINUTE))[-1] == "Runtime 7 min; candles: 2; signals: 1."


def test_a_paper_trade_that_has_ended_is_told_with_what_its_signal_came_to() -> None:
    screen = ScanScreen([CME_FUTURES["MNQ"]], CandleWatch([Timeframe.M1]), 5, "America/Chicago")

    def shown(trades: int, mean: float | None) -> View:
        told = BacktestView(60, 0.6, 0.4, trades, 0, mean, 1.0, 0.5)
        return later(a_view(), bots=(BotView("scan-x", "edge", "signals", backtest=told),))

    assert list(screen.read(shown(7, 0.1), NOW)) == [], "of before this run"
    assert list(screen.read(shown(7, 0.1), NOW)) == []
    assert list(screen.read(shown(8, -0.05), NOW)) == [
        "09:42:17 CT  scan-x: a paper trade ended; live 8 trades at -0.05 R, backtest +0.40 R: "
        "within the band"
    ]
    fills = (
        replace(a_notice(1, NoticeKind.FILL, "bought 2", Severity.GOOD), book="scan"),
        replace(a_notice(2, NoticeKind.FILL, "bought 3", Severity.GOOD), book="practice"),
    )
    told = list(screen.read(later(shown(8, -0.05), notices=fills), NOW))
    assert len(told) == 1
    assert told[0].endswith("practice: bought 3")


# --- the report ----------------------------------------------------------------------------------------

PROMISED = Expectation(60, 0.6, 0.8, 2.0)


def journal(*results: float, bot: str = "scan-5m-mnq-x", told: Expectation = PROMISED) -> list[r.AnyRecord]:
    """Plans of one bot that ended so."""
    seen = PatternSeen("level_held", M5, 1, 1, 100)
    found: list[r.AnyRecord] = []
    for number, result in enumerate(results):
        plan = TradePlan(
            f"{bot}-{number}", "scan", "MNQ", Side.BUY, "x", (Leg(1, -40, 80),), 1, 100, bot=bot,
            pattern=seen, expectation=told,
        )  # fmt: skip
        found += [
            r.PlanOpened(ts=number, plan=plan),
            r.PatternEnded(
                ts=number, book="scan", plan_id=plan.plan_id, instrument="MNQ", pattern=seen, r=result
            ),
        ]
    return found


def numbered(records: list[r.AnyRecord]) -> list[tuple[int, bytes]]:
    return [(number, r.encode(record)) for number, record in enumerate(records, 1)]


def test_the_report_holds_each_signal_against_its_backtest_and_all_together() -> None:
    bad, good = journal(*[-1.05] * 12), journal(1.9, -1.05, 1.9, bot="scan-2m-mes-y")
    paused = r.BotSwitched(ts=1, bot="scan-5m-mnq-x", running=False, by="its backtest: 12 trades")
    told = read_report(numbered([*bad, *good, paused]))
    better, worse = told.signals
    assert (better.signal, better.verdict, better.paused) == ("scan-2m-mes-y", "within the band", "")
    assert (worse.verdict, worse.paused) == ("below the band", "its backtest: 12 trades")
    assert worse.backtest.at_most_r is not None
    assert worse.backtest.at_most_r < 0.8
    assert (told.trades, told.total_r, told.expected_r) == (15, -9.85, 12.0)
    assert told.behind


def test_the_report_of_a_journal_is_printed(places: Paths, capsys: Out) -> None:
    assert call(["scan", "--report"]) == 1
    assert "there is no run yet" in capsys.readouterr().err
    assert call(["scan", "--json"]) == 2
    assert "--json and --journal go with --report" in capsys.readouterr().err
    assert call(["scan", "--speed", "max"]) == 2
    assert "--speed takes 1 to 20" in capsys.readouterr().err


def test_nothing_played_is_no_report(capsys: Out) -> None:
    from rich.console import Console

    from tstream.scan.report import show

    show(read_report([]), Console())
    assert "no signal has been played yet" in capsys.readouterr().out
    show(read_report(numbered(journal(*[-1.05] * 12))), Console(width=100))
    said = capsys.readouterr().out
    assert "5m-mnq-x" in said
    assert "60 60% +0.80" in said
    assert "12 0% -1.05" in said
    assert " below" in said
    assert "their backtests expect +9.60 R" in said
