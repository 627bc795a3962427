"""tstream scan as a person starts it: what it prints, what the phone is told, what is played, the report."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

from engine.model.market import Timeframe
from tests.e2e.alert_services import BOT, CHAT
from tests.e2e.program import Headless, gone, within
from tests.e2e.venue import Venue
from tests.notify.sinks import TelegramSink
from tests.support.analyses import an_edge, write_analysis
from tests.support.patience import patient

SETTINGS = f"""
contracts = ["{{contract}}"]
[scan]
timeframes = ["1m", "2m"]
status_minutes = 1
[notify]
telegram_chats = [{CHAT}]
telegram_url = "{{url}}"
telegram_events = ["start", "signal", "stop"]
[venues.{{venue}}]
"""

PATTERNS = ("level_held", "gap_created", "gap_touched", "gap_filled", "block_created", "block_mitigated")
TOLD = (
    "Entry: ",
    "Stop: ",
    "Target: ",
    "Risk : reward: 1 : 2.0",
    "Size: ",
    "Risk: ",
    "Strategy: ",
    "Timeframe: ",
    "Win rate: 62 %",
    "Profit factor: 1.80",
    "Expectancy: +0.41 R a trade",
    "Confidence: 97 %",
    "Trend: ",
    "Higher timeframe: 5m ",
    "Why: ",
)


def furnish(home: Path, url: str, venue: str = "practice", contract: str = "MNQ") -> None:
    home.mkdir()
    (home / "tstream.toml").write_text(
        SETTINGS.format(url=url, contract=contract, venue=venue), encoding="utf-8"
    )
    (home / ".env").write_text(f"TSTREAM_NOTIFY_TELEGRAM_TOKEN={BOT}\n", encoding="utf-8")
    (home / ".env").chmod(0o600)
    edges = [
        an_edge(one, frame, instrument=contract) for one in PATTERNS for frame in (Timeframe.M1, Timeframe.M2)
    ]
    write_analysis(home / "data" / "analysis", [*edges, an_edge("pool_swept", failed="chance")])


async def test_signals_are_printed_sent_and_played_on_paper_alone(home: Path) -> None:
    """On Kraken's twin, around the clock."""
    contract = "ETHUSDT.P"
    async with TelegramSink() as telegram:
        furnish(home, telegram.url, "kraken", contract)
        run = await asyncio.to_thread(Headless, home, "--speed", "20", "--seed", "7", command=("scan",))
        with run:
            practice = await asyncio.to_thread(run.practice)

            def shown() -> bool:
                return all(
                    words in run.output
                    for words in (
                        f"{contract} 1m closed ",
                        f"{contract} 2m closed ",
                        "  status\n",
                        "Expectancy: ",
                    )
                )

            await asyncio.to_thread(run.until, shown, "candles, a signal and the status are printed")
            await asyncio.to_thread(run.until, lambda: len(telegram.got) >= 2, "the phone is told")
            view = run.view()
            assert view is not None
            assert {bot.state for bot in view.bots} == {"signals only"}
            assert len(view.bots) == len(PATTERNS) * 2
            assert any(bot.entries for bot in view.bots)
            kinds = {book.book: book.kind for book in view.books}
            assert kinds == {"kraken": "practice", "scan": "paper"}
            touched = {one.book for one in view.trades} | {one.book for one in view.orders}
            assert touched | {one.book for one in view.positions} <= {"scan"}
            run.process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(run.process.wait, patient(30)) == 0
            gone(practice)
        texts = telegram.texts

    start, *signals, stop = dict.fromkeys(texts)  # what a busy machine confirms too late is sent again
    assert "tstream has started" in start
    assert "Scanner: 12 validated signals" in start
    assert "tstream has stopped" in stop
    assert f"Signals sent: {len(signals)}." in stop, signals
    assert signals
    for text in signals:
        head, *_ = text.split("\n")
        assert "[PAPER] Signal: " in head
        missing = [words for words in TOLD if words not in text]
        assert not missing, text
    lines = run.output.splitlines()
    assert "  Validated signals: 12" in lines
    assert "  Telegram: on" in lines
    printed = [line.split("  ", 1)[1] for line in lines if "  Signal: " in line]
    assert [text.split("\n")[0].partition("] ")[2].removesuffix("</b>") for text in signals] == printed
    assert lines[-2] == "Scanner stopped."
    assert f"; signals: {len(signals)}." in lines[-1]
    assert "Traceback" not in run.output

    told = within(home, "scan", "--report", "--json")
    assert told.returncode == 0, told.stderr
    report = json.loads(told.stdout)
    assert report["trades"] == sum(one["backtest"]["live_trades"] for one in report["signals"])
    assert {one["backtest"]["trades"] for one in report["signals"]} == {60}
    words = within(home, "scan", "--report")
    assert "all together: " in words.stdout
    assert "The test: " in words.stdout


def test_one_switch_trades_them_on_the_account_too(home: Path) -> None:
    furnish(home, "http://127.0.0.1:9")
    settings = home / "tstream.toml"
    with_books = settings.read_text(encoding="utf-8").replace("[scan]\n", '[scan]\nbooks = ["practice"]\n')
    settings.write_text(with_books.partition("[notify]")[0], encoding="utf-8")
    with Headless(home, "--speed", "20", "--seed", "7", command=("scan",)) as run:
        practice = run.practice()
        venue = Venue(practice)
        run.until(lambda: venue.trades() or None, "a signal is traded at the venue")
        run.until(lambda: venue.protected() or not venue.positions() or None, "with its stop")
        view = run.view()
        assert view is not None
        assert {bot.state for bot in view.bots} == {"running"}
        assert {position.book for position in view.positions} <= {"practice", "scan"}
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(patient(30)) == 0
        gone(practice)
    assert "  Traded in: practice and on paper" in run.output
    assert "practice: " in run.output
    assert "  Validated signals: 12" in run.output


def test_without_validated_signals_it_says_how_to_make_them(home: Path) -> None:
    told = within(home, "scan")
    assert told.returncode == 1
    assert "there is no edge_analysis*.json" in told.stderr
    assert "tstream discover" in told.stderr
    write_analysis(home / "data" / "analysis", [an_edge("pool_swept", failed="chance")])
    told = within(home, "scan")
    assert told.returncode == 1
    assert "there is no validated signal to look for" in told.stderr
    assert "no edge found" in told.stderr
