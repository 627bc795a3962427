"""Alerts from Discord to the venue and to four channels, with the program as a person starts it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("discord")
pytest.importorskip("apprise")
pytest.importorskip("aiosmtpd")

from adapters.discord.messages import created_ts
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.codes import SideCode
from adapters.simulator.exchange.rows import TradeRow
from engine.model.alerts import Reason, Verdict
from engine.model.market import NANOS
from engine.model.view import PositionView, View
from engine.venue.fill_model import FillModel
from tests.discord.fake import FakeDiscord
from tests.discord.rows import iso
from tests.discord.scenes import ANALYST, RELAY
from tests.e2e.alert_services import Timeline, channels, furnish
from tests.e2e.scripted_venue import ScriptedVenue, program, scripted_venue
from tests.support.patience import patient

PRICE = 25_304
"""Ticks: 6326.00."""
ALERT = "🚨 ES long 6326: A\nStop: 6316\n@everyone"
SMALLER = "🚨 ES long 6326: B\nStop: 6318\n@everyone"
TIGHTER = "🚨 ES long 6326: B\nStop: 6320\n@everyone"
NEARER = "ES LONG @ 6326\nStop: 6322\nTarget 1: 6330\nTarget 2: 6333\nSize: A"
STOP, T1, T2 = PRICE - 40, PRICE + 16, PRICE + 36
WITH_PAPER = "[paper]\nenabled = true\n"


async def test_an_alert_is_traded_to_its_second_target_and_told_everywhere(
    home: Path, unused_tcp_port: int, request: pytest.FixtureRequest
) -> None:
    async with (
        FakeDiscord() as discord,
        channels(unused_tcp_port) as news,
        scripted_venue(SimulatorConfig(), PRICE) as venue,
    ):
        furnish(home, discord, WITH_PAPER + news.settings, news.secrets)
        async with program(home, venue) as run:
            await run.ready()
            number = discord.post(RELAY, ALERT)
            await run.until(lambda: venue.protected, "the position is protected")
            protected_ts = max(row.updated for row in venue.live)
            await run.until(lambda: as_told(venue), "the bracket stands at the alert's own prices")
            exact_ts = max(row.updated for row in venue.live)
            seen = await run.view(
                lambda view: (
                    view.alerts[0].fates[0].answered_ns and _held(view) == {"practice": 4, "paper": 4}
                ),
                "both books hold",
            )
            (alert,) = seen.alerts
            assert (alert.message_id, alert.verdict) == (str(number), Verdict.TRADED)
            for fate in alert.fates:
                assert fate.sent_ns is not None
                assert fate.answered_ns is not None
                assert 0 <= fate.sent_ns <= fate.answered_ns < patient(NANOS)
            line = Timeline(alert.posted_ts)
            line.add(alert.posted_ts, "posted at Discord")
            line.add(min(row.created for row in venue.entries), "order at the venue")
            line.add(max(trade.ts for trade in _trades(venue, SideCode.BUY)), "4 MES bought")
            protected = line.add(protected_ts, "stops and targets at work for 4")
            line.add(exact_ts, "all of them at the alert's own prices")
            for name in news.told():
                await run.until(partial(news.told_of, "LONG 4 MES @ 6326.50", name), f"{name} is told")
                line.add(venue.practice.now(), f"entry told by {name}, of both books")

            venue.move(T1 + 2)
            await run.until(lambda: venue.protected and min(venue.stops) >= PRICE, "break-even")
            await run.view(lambda view: _held(view) == {"practice": 2, "paper": 2}, "both hold half")
            await run.view(
                lambda view: all(map(_even, view.positions)),
                "both are even",
            )
            assert (venue.qty, venue.stops, venue.targets) == (2, {PRICE + 4: 2}, {T2: 2})
            line.add(max(trade.ts for trade in _trades(venue, SideCode.SELL)), "T1: 2 MES sold")
            line.add(max(row.updated for row in venue.live), "stop of the rest at break-even")
            half = partial(news.told_of, "MES: 2 of 4 closed", "telegram", "discord")
            await run.until(half, "the first half is told")
            line.add(venue.practice.now(), "T1 told by telegram and discord, of both books")

            venue.move(T2 + 2)
            await run.until(lambda: venue.flat, "the venue holds nothing")
            line.add(max(trade.ts for trade in _trades(venue, SideCode.SELL)), "T2: 2 MES sold, flat")
            seen = await run.view(lambda view: not view.positions, "both books are flat")
            fates = {(fate.book, fate.entered, fate.closed) for fate in seen.alerts[0].fates}
            assert fates == {("practice", 4, True), ("paper", 4, True)}
            assert {(trade.book, trade.qty, trade.reason) for trade in seen.trades} == {
                ("practice", 4, "T2"),
                ("paper", 4, "T2"),
            }
            assert await run.end() == 0
            line.add(venue.practice.now(), "tstream has ended, what waited is told")
    request.node.add_report_section("call", "timeline", str(line))
    sold = [(trade.size, trade.price) for trade in _trades(venue, SideCode.SELL)]
    assert sold == [(2, T1), (2, T2)]
    assert line.in_order, str(line)
    assert protected < patient(1), str(line)
    assert news.told_of("MES: 2 of 4 closed"), news.told()
    assert news.told_of("LONG 4 MES closed: +115.12 USD"), news.told()


async def test_a_connection_lost_in_the_middle_and_other_paths_trade_an_alert_once(home: Path) -> None:
    async with FakeDiscord() as discord, scripted_venue(SimulatorConfig(), PRICE) as venue:
        furnish(home, discord)
        async with program(home, venue) as run:
            await run.ready()
            # The gateway is lost under the message: a resume tells it, and the history has it too.
            discord.gateway.drop()
            first = discord.post(RELAY, ALERT)
            await run.until(lambda: as_told(venue), "the position is protected")
            assert len(discord.gateway.resumed) == 1
            # The analyst posts what the relay has posted.
            copy = discord.post(ANALYST, ALERT)
            seen = await run.view(lambda view: len(view.alerts) == 2, "the copy is read")
            assert [(a.message_id, a.verdict, a.reason) for a in seen.alerts] == [
                (str(first), Verdict.TRADED, None),
                (str(copy), Verdict.REFUSED, Reason.SEEN),
            ]
            await run.kill()
        # A new start that does not know how far it has read.
        (home / "data" / "practice" / "discord.json").unlink(missing_ok=True)
        async with program(home, venue) as run:
            await run.ready()
            again = await run.view(
                lambda view: view.health.counts.get("alerts read again"), "it is told again"
            )
            assert [alert.message_id for alert in again.alerts] == [str(first), str(copy)]
            earlier = [notice.text for notice in again.notices if notice.seq < 0]
            assert any("entering 4" in text for text in earlier), "what was told before the kill is shown"
            assert any("the same trade came in another message" in text for text in earlier)
        assert [row.size for row in venue.entries] == [2, 2]
        assert as_told(venue)


async def test_edits_and_a_deletion_do_at_the_venue_what_is_promised(home: Path) -> None:
    slow = SimulatorConfig(model=FillModel(latency_ns=3 * NANOS // 2, change_latency_ns=0))
    async with FakeDiscord() as discord, scripted_venue(slow, PRICE) as venue:
        furnish(home, discord, room='after_fill = "tighten"\nvariants = true\n')
        async with program(home, venue) as run:
            await run.ready()
            number = discord.post(RELAY, ALERT)
            await run.until(lambda: len(venue.entries) == 2, "the entry is on its way into the market")
            # Before the fill: made anew, smaller.
            discord.edit(number, SMALLER)
            await run.until(
                lambda: venue.stops == {PRICE - 32: 2}, "the amended alert's position is protected"
            )
            assert [(row.size, row.filled) for row in venue.entries] == [(2, 0), (2, 0), (1, 1), (1, 1)]
            # After it: a tighter stop is followed.
            discord.edit(number, TIGHTER)
            await run.until(lambda: venue.stops == {PRICE - 24: 2}, "the stops have followed")
            venue.move(T1 + 2)
            await run.until(lambda: venue.protected and min(venue.stops) >= PRICE, "break-even")
            even = venue.stops
            # After the first target: the target is followed; neither a looser stop nor another size.
            discord.edit(number, NEARER)
            await run.until(lambda: venue.targets == {PRICE + 28: 1}, "the target has followed")
            discord.delete(number)
            seen = await run.view(
                lambda view: view.alerts[0].verdict is Verdict.IGNORED, "the deletion is read"
            )
            assert seen.alerts[0].text == "the trade is open and stays as it is"
            assert (venue.qty, venue.stops, venue.targets) == (1, even, {PRICE + 28: 1})


async def test_f43_f44_what_is_struck_through_hidden_or_old_never_reaches_the_venue(home: Path) -> None:
    slow = SimulatorConfig(model=FillModel(latency_ns=3 * NANOS // 2, change_latency_ns=0))
    async with FakeDiscord() as discord, scripted_venue(slow, PRICE) as venue:
        furnish(home, discord)
        async with program(home, venue) as run:
            await run.ready()
            discord.post(RELAY, f"~~{ALERT}~~")
            discord.post(RELAY, f"||{ALERT}||")
            discord.post(RELAY, f"{ALERT}\nCANCELLED")
            old = {"content": ALERT, "timestamp": iso(created_ts(discord.snowflake(age_s=3 * 3600)))}
            discord.post(RELAY, message_snapshots=[{"message": old}])
            number = discord.post(RELAY, ALERT)
            await run.until(lambda: len(venue.entries) == 2, "the entry is on its way into the market")
            discord.edit(number, f"~~{ALERT}~~")
            await run.until(lambda: venue.flat and venue.entries, "the entry is taken back")
            seen = await run.view(
                lambda view: view.alerts[-1].verdict is Verdict.CANCELLED, "the edit is read"
            )
        reasons = [alert.reason for alert in seen.alerts]
        assert reasons == [*[Reason.TAKEN_BACK] * 3, Reason.EXPIRED, Reason.TAKEN_BACK]
        assert [row.filled for row in venue.entries] == [0, 0]
        assert venue.qty == 0


def as_told(venue: ScriptedVenue) -> bool:
    """What the alert says is what stands at the venue."""
    return (venue.qty, venue.stops, venue.targets) == (4, {STOP: 4}, {T1: 2, T2: 2})


def _answered(view: View) -> bool:
    """Whether the venue has answered in both books."""
    return [fate.answered_ns is not None for fate in view.alerts[0].fates] == [True, True]


def _held(view: View) -> dict[str, int]:
    """Contracts by book, once they are protected."""
    return {p.book: p.qty for p in view.positions if p.protected_qty == p.qty}


def _even(position: PositionView) -> bool:
    """Whether it can lose nothing any more."""
    return position.stop is not None and position.stop >= position.entry


def _trades(venue: ScriptedVenue, side: SideCode) -> list[TradeRow]:
    return [trade for trade in venue.practice.account.rows.trades if trade.side == side]
