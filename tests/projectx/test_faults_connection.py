"""Faults of connections, from the adapter's side: silence, lost subscriptions, tokens, unclear answers."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from engine.model.errors import RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import AccountReported, FillReported, LinkChanged, LinkState, Print, Quote
from engine.model.market import NANOS
from engine.model.orders import VenueStatus
from tests.projectx.conftest import entry
from tests.projectx.practice import PRICE, START, bench, moving
from tests.support.waits import Inbox, until

LIVE, STALE, DOWN = LinkState.LIVE, LinkState.STALE, LinkState.DOWN

PATIENT = {"quote_silence_s": 30.0, "print_silence_s": 30.0}


def standing(inbox: Inbox, link: str) -> LinkChanged:
    """The newest word on a link."""
    return [event for event in inbox.of(LinkChanged) if event.link == link][-1]


async def into(inbox: Inbox, link: str, state: LinkState, words: str = "") -> LinkChanged:
    """Until a link stands so, and says so."""
    await inbox.until(
        lambda: (
            any(e.link == link for e in inbox.of(LinkChanged))
            and standing(inbox, link).state is state
            and words in standing(inbox, link).detail
        )
    )
    return standing(inbox, link)


# --- F3: an answer that says nothing ------------------------------------------------------------------

UNCLEAR: list[tuple[str, dict[str, Any]]] = [
    ("error-after", {"status": 500}),
    ("error-after", {"status": 502}),
    ("garbled-reply", {"how": "html"}),
    ("lost-reply", {"hang": True}),
    ("lost-reply", {"hang": False}),
    ("pending-reply", {}),
]


@pytest.mark.parametrize(("name", "options"), UNCLEAR)
async def test_f03_an_order_whose_answer_says_nothing_is_found_by_its_tag(
    name: str, options: dict[str, Any]
) -> None:
    async with bench(feed=False) as b:
        armed = b.practice.faults.add(name, call="place", **options)
        with pytest.raises(UnknownOutcomeError):
            await b.broker.place(entry(qty=1, stop_offset=-40))
        assert armed.acted == 1
        await b.status("ts-a-1-1-SL", VenueStatus.WORKING)
        taken = await b.broker.snapshot(START)
    assert [order.client_id for order in taken.orders].count("ts-a-1-1") == 1
    assert [(p.instrument, p.qty) for p in taken.positions] == [("MNQ", 1)]
    assert {order.client_id: order.status for order in taken.orders}["ts-a-1-1-SL"] is VenueStatus.WORKING


@pytest.mark.parametrize(
    ("name", "options"), [("error-before", {"status": 503}), ("throttled", {"seconds": 1})]
)
async def test_f03_an_order_that_never_arrived_looks_the_same_and_is_in_no_snapshot(
    name: str, options: dict[str, Any]
) -> None:
    async with bench(feed=False) as b:
        b.practice.faults.add(name, call="place", **options)
        with pytest.raises(UnknownOutcomeError):
            await b.broker.place(entry(qty=1))
        taken = await b.broker.snapshot(START)
    assert (taken.orders, taken.positions) == ((), ())


async def test_f03_answers_that_come_too_late_are_unknown_and_the_fill_is_told_by_the_hub() -> None:
    async with bench(feed=False) as b:
        b.practice.faults.add("late-reply", call="place", seconds=1.5)
        with pytest.raises(UnknownOutcomeError, match=r"no answer within 0\.3 s"):
            await b.broker.place(entry(qty=1))
        await b.inbox.until(lambda: b.inbox.of(FillReported))


# --- F18: silence --------------------------------------------------------------------------------------


async def test_f18_a_silent_market_is_stale_and_comes_back_with_a_fresh_token() -> None:
    async with bench(timing={"quote_silence_s": 0.15}) as b:
        first = await b.venue.session.token()
        b.market(PRICE + 2, PRICE + 2)
        await b.inbox.until(lambda: b.inbox.of(Print))
        restore = b.practice.controls.silence_market()
        b.market(PRICE + 9, PRICE + 9)
        stale = await into(b.inbox, "market", STALE, "no quote for 0.15 s while the market is open")
        heard = max(e.ts_recv for e in (*b.inbox.of(Quote), *b.inbox.of(Print)))
        restore()
        await b.inbox.live("market", times=2)
        assert await b.venue.session.token() != first
        async with moving(b):
            seen = len(b.inbox.of(Print))
            await b.inbox.until(lambda: len(b.inbox.of(Print)) > seen)
    # Blind from the last record on, not from when it was noticed; and REST was asked what it knows.
    assert abs(stale.ts_venue - heard) < 0.01 * NANOS
    assert stale.ts_venue < stale.ts_recv - 0.1 * NANOS
    assert any("by REST" in words for words in b.inbox.words("market"))


async def test_f18_a_silent_market_comes_back_though_rest_says_nothing() -> None:
    async with bench(timing={"quote_silence_s": 0.15}) as b:
        for call in ("bars", "validate", "login"):
            b.practice.faults.add("error-before", call=call, status=503)
        b.practice.controls.silence_market()
        await into(b.inbox, "market", STALE, "REST says nothing")
        await b.inbox.live("market", times=2)
    assert DOWN not in b.inbox.states("token")


async def stops_and_comes_back(
    stream: Literal["quotes", "trades"], told: str, kind: type[Quote] | type[Print]
) -> None:
    """One stream of a contract falls silent while the other goes on; it is missed, and heard again."""
    async with bench(timing={"behind_s": 0.1, **PATIENT}) as b, moving(b):
        await b.inbox.until(lambda: b.inbox.of(Print))
        b.practice.controls.silence_market(stream)
        await into(b.inbox, "market", STALE, f"no {told} of MNQ though it trades")
        await b.inbox.live("market", times=2)
        heard = len(b.inbox.of(kind))
        await b.inbox.until(lambda: len(b.inbox.of(kind)) > heard + 5)


async def test_f18_quotes_that_stop_while_trades_flow_are_missed_in_their_contract() -> None:
    await stops_and_comes_back("quotes", "quote", Quote)


async def test_f18_trades_that_stop_while_quotes_flow_are_missed_in_their_contract() -> None:
    await stops_and_comes_back("trades", "print", Print)


async def test_f42_a_fill_that_only_a_query_tells_counts_against_the_user_hub() -> None:
    async with bench(feed=False, timing={"untold_s": 0.1, "watch_s": 0.02}) as b:
        b.practice.controls.silence_user()
        live = standing(b.inbox, "user").ts_recv
        await until(lambda: b.practice.now() > live + NANOS // 5)
        await b.broker.place(entry(qty=1))
        while not (await b.broker.snapshot(START)).fills:
            pass
        await until(lambda: STALE in b.inbox.states("user") and b.inbox.states("user")[-1] is LIVE)
        said = next(e for e in b.inbox.of(LinkChanged) if e.state is STALE)
        assert said.detail == "a fill that it ought to have told is known by query"
        told = len(b.inbox.of(FillReported))
        await b.broker.place(entry(client_id="ts-a-1-2", qty=1))
        await until(lambda: len(b.inbox.of(FillReported)) > told)


async def test_f18_a_silent_user_hub_is_normal() -> None:
    """Long enough for the market's watchdog, with the same limits, to act twice."""
    async with bench(timing={"quote_silence_s": 0.1}) as b:
        b.practice.controls.silence_user()
        restores = [b.practice.controls.silence_market()]
        for times in (2, 3):
            await b.inbox.live("market", times=times)
            restores.append(b.practice.controls.silence_market())
    assert b.inbox.states("market").count(STALE) >= 2
    assert STALE not in b.inbox.states("user")
    assert DOWN not in b.inbox.states("user")[:-1]


async def test_f18_a_quiet_contract_with_a_living_quote_stream_is_not_stale() -> None:
    timing = {"quote_silence_s": 0.2, "behind_s": 0.05, "print_silence_s": 30.0}
    async with bench(timing=timing) as b:
        for step in range(40):
            seen = len(b.inbox.of(Quote))
            b.market(PRICE + 1 + step % 2)
            await b.inbox.until(lambda: len(b.inbox.of(Quote)) > seen)  # noqa: B023
        assert b.inbox.states("market") == [LinkState.CONNECTING, LIVE]


# --- F19: subscriptions that were taken and bring nothing ------------------------------------------------


async def test_f19_live_only_after_the_first_message_of_every_subscription() -> None:
    async with bench() as b:
        lost = b.practice.faults.add("lost-subscription", stream="quotes")
        before = len(b.inbox.words("market"))
        b.practice.controls.drop_hubs("market")
        await b.inbox.live("market", times=2)
        states = b.inbox.states("market")[before:]
        assert lost.acted == 1
        assert states == [DOWN, DOWN, LIVE]
        assert "subscribed, but nothing came: no quote of" in b.inbox.words("market")[before + 1]
        async with moving(b):
            prints = len(b.inbox.of(Print))
            await b.inbox.until(lambda: len(b.inbox.of(Print)) > prints)


async def test_f19_a_lost_trade_subscription_is_known_by_the_trades_that_quotes_show() -> None:
    async with bench(timing={"behind_s": 0.1, **PATIENT}) as b:
        b.practice.faults.add("lost-subscription", stream="trades", times=2)
        b.practice.controls.drop_hubs("market")
        await b.inbox.live("market", times=2)
        async with moving(b):
            await into(b.inbox, "market", STALE, "no print of MNQ though it trades")
            await b.inbox.live("market", times=3)
            prints = len(b.inbox.of(Print))
            await b.inbox.until(lambda: len(b.inbox.of(Print)) > prints)


# --- F32 and logouts: the token ------------------------------------------------------------------------


async def test_f32_the_token_is_renewed_before_it_expires_and_hubs_change_over_without_a_gap() -> None:
    async with bench(token_lifetime_ns=2 * NANOS, timing={"dead_s": 30.0}) as b:
        async with moving(b):
            await b.inbox.live("user", times=3)
            await b.inbox.live("market", times=3)
            words = [event for event in b.inbox.of(LinkChanged) if event.link == "token"]
            order = await b.broker.place(entry(qty=1, stop_offset=-40))
            await b.status("ts-a-1-1-SL", VenueStatus.WORKING)
        await b.inbox.until(lambda: len(b.inbox.of(Print)) >= b.printed)
    assert order
    assert len(b.inbox.of(Print)) == b.printed
    assert {event.state for event in words} == {LIVE}
    assert all(event.until > event.ts_recv for event in words)
    untils = [event.until for event in words]
    assert untils == sorted(set(untils))
    for link in ("user", "market"):
        assert DOWN not in b.inbox.states(link)[:-1], b.inbox.words(link)
        assert b.inbox.words(link).count("token renewed") >= 2


async def test_f32_a_token_that_ends_early_with_open_hubs_is_replaced_at_the_first_refusal() -> None:
    async with bench() as b:
        b.practice.controls.expire_tokens()
        await b.broker.place(entry(qty=1, stop_offset=-40))
        await b.status("ts-a-1-1-SL", VenueStatus.WORKING)
        await b.inbox.live("user", times=2)
        await b.inbox.live("market", times=2)
    for link in ("user", "market"):
        assert DOWN not in b.inbox.states(link)[:-1]
    assert b.inbox.states("token") == [LIVE, LIVE]


async def test_f32_a_rotated_password_stops_entries_leaves_stops_and_heals() -> None:
    async with bench() as b:
        await b.broker.place(entry(qty=2, stop_offset=-40))
        stop = await b.status("ts-a-1-1-SL", VenueStatus.WORKING)
        assert stop.stop is not None
        b.practice.controls.rotate_key("another")
        b.practice.controls.expire_tokens()
        b.practice.controls.drop_hubs()
        down = await into(b.inbox, "token", DOWN)
        assert "login refused" in down.detail
        assert "check user name and API key" in down.detail
        with pytest.raises(RetryableError, match="login refused"):
            await b.broker.place(entry(client_id="ts-a-1-2"))
        await into(b.inbox, "user", DOWN, "login refused")
        # Nobody is there, and the venue's own stop does its work.
        b.market(stop.stop - 8, stop.stop - 8)
        b.practice.pump()
        b.practice.controls.rotate_key("practice")
        await into(b.inbox, "token", LIVE)
        await b.inbox.live("user", times=2)
        await b.inbox.live("market", times=2)
        taken = await b.broker.snapshot(START)
    assert taken.positions == ()
    assert sum(fill.qty * fill.side.sign for fill in taken.fills) == 0
    assert [order.client_id for order in taken.orders if order.status.live] == []
    assert "ts-a-1-2" not in {order.client_id for order in taken.orders}
    logins = [acted for acted in b.inbox.of(LinkChanged) if acted.link == "token"]
    assert [event.state for event in logins] == [LIVE, DOWN, LIVE]


async def test_f32_a_refused_renewal_is_told_while_the_old_token_still_serves() -> None:
    async with bench(token_lifetime_ns=20 * NANOS, timing={"refused_pause_s": 30.0}) as b:
        refused = b.practice.faults.add("refused-login", times=0)
        b.practice.faults.add("refused-call", call="validate", code=1, times=0)
        with pytest.raises(RetryableError):
            await b.venue.session.freshen()
        down = await into(b.inbox, "token", DOWN, "check user name and API key")
        assert down.until > down.ts_recv
        # What protects goes on, with the old token, and the key is not tried again and again.
        await b.broker.place(entry(qty=1, stop_offset=-40, reduces=True))
        await b.status("ts-a-1-1-SL", VenueStatus.WORKING)
        assert refused.acted == 1
        assert DOWN not in b.inbox.states("user")


async def test_f32_a_renewal_that_fails_for_now_is_stale_and_goes_on() -> None:
    async with bench(token_lifetime_ns=3 * NANOS, timing={"dead_s": 30.0}) as b:
        b.practice.faults.add("error-before", call="validate")
        await into(b.inbox, "token", STALE, "the old one is still good")
        await into(b.inbox, "token", LIVE, "renewed")
    assert DOWN not in b.inbox.states("token")


@pytest.mark.parametrize("close", [True, False])
async def test_a_gateway_logout_on_both_hubs_is_a_new_login_and_a_new_look(close: bool) -> None:
    async with bench() as b:
        first = await b.venue.session.token()
        b.practice.controls.log_out(close=close)
        await b.inbox.live("user", times=2)
        await b.inbox.live("market", times=2)
        assert await b.venue.session.token() != first
        await b.broker.place(entry(qty=1))
        await b.inbox.until(lambda: b.inbox.of(FillReported))
        await b.inbox.until(lambda: b.inbox.of(AccountReported))
    assert any("GatewayLogout" in words for words in b.inbox.words("user"))


async def test_the_user_hub_says_whose_it_is_and_the_budget_is_told() -> None:
    async with bench(timing={"tell_s": 0.02}) as b:
        await into(b.inbox, "rest", LIVE, "of 160 requests in 60 s")
        first = standing(b.inbox, "rest").detail
        await b.broker.snapshot(START)
        await b.inbox.until(lambda: standing(b.inbox, "rest").detail != first)
    books = {e.link: e.book for e in b.inbox.of(LinkChanged)}
    assert books == {"user": "practice", "market": None, "token": None, "rest": None}


async def test_venue_refusals_come_with_their_cause() -> None:
    async with bench(feed=False) as b:
        b.practice.controls.auto_oco(False)
        with pytest.raises(RefusedError) as brackets:
            await b.broker.place(entry(stop_offset=-40))
        b.practice.controls.halt(60)
        with pytest.raises(RefusedError) as closed:
            await b.broker.place(entry(client_id="ts-a-1-2"))
    assert (brackets.value.cause, closed.value.cause) == ("no_brackets", "closed")
