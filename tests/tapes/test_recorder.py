"""Recording what reaches the engine, and getting exactly that back."""

from __future__ import annotations

import gzip
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.tapes.fields import TapeError
from adapters.tapes.recorder import TapeRecorder
from adapters.tapes.recording import TapeEnd, TapeHeader, part_path, read_recording
from adapters.tapes.tape import open_tape
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import BreakEven, Flatten, Pause, Reload
from engine.model.errors import Cause, FatalError
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.notices import Severity
from engine.model.opinion import ModelCard
from engine.model.opinion_events import PredictorState
from engine.model.orders import Account, AccountKind, Fill, OrderType, VenueOrder, VenuePosition, VenueStatus
from engine.model.reload import BookTerms, SettingChange
from engine.model.sizing import ByRisk
from engine.model.watch import Watched

START = 1_709_899_200 * NANOS
INSTRUMENTS = (CME_FUTURES["MNQ"], CME_FUTURES["ES"])

nanos = st.integers(0, 2**63 - 1)
ticks = st.integers(-(2**40), 2**40)
everything = st.lists(
    st.one_of(
        st.builds(ev.Quote, ts_recv=nanos, ts_venue=nanos, instrument=st.text(), bid=ticks, ask=ticks),
        st.builds(ev.Print, ts_recv=nanos, instrument=st.text(), price=ticks, size=ticks, seq=nanos),
        st.builds(ev.LinkChanged, ts_recv=nanos, link=st.text(), detail=st.text()),
        st.builds(ev.CommandReceived, ts_recv=nanos, command=st.builds(Pause, id=st.text())),
        st.builds(
            ev.AccountReported,
            ts_recv=nanos,
            book=st.text(),
            balance_usd=st.decimals(allow_nan=False, allow_infinity=False),
        ),
    ),
    max_size=8,
)
"""Events of several kinds with all that their fields can hold."""


def quote(ts: int, bid: int = 100) -> ev.Quote:
    return ev.Quote(ts_recv=ts, ts_venue=ts - 7, instrument="MNQ", bid=bid, ask=bid + 1)


def one_of_each() -> list[ev.AnyEvent]:
    account = Account("1", "50K", AccountKind.PRACTICE, Decimal("50000.25"), True)
    order = VenueOrder(
        "9", "ts-a-1-1", "MNQ", Side.BUY, OrderType.LIMIT, 2, VenueStatus.WORKING, limit=84_000
    )
    fill = Fill("t1", "9", "MNQ", Side.BUY, 84_000, 2, Decimal("1.22"), START)
    position = VenuePosition("MNQ", -2, Decimal("21000.125"))
    bar = Bar("MNQ", Timeframe.M1, START - MINUTE, 1, 3, 1, 2, 9, backfilled=True)
    accepted = ev.Outcome.ACCEPTED
    return [
        quote(START),
        ev.Print(ts_recv=START, instrument="MNQ", price=84_000, size=1, aggressor=Side.SELL, seq=4),
        ev.BarReported(ts_recv=START, bar=bar, venue="elsewhere"),
        ev.HistoryLoaded(ts_recv=START, instrument="MNQ", bars=(bar,)),
        ev.ContractResolved(
            ts_recv=START, instrument=INSTRUMENTS[0], contract_id="CON.F.US.MNQ.H24", name="MNQH4"
        ),
        ev.AccountAdopted(ts_recv=START, book="b", account=account),
        ev.LinkChanged(ts_recv=START, link="market", state=ev.LinkState.STALE, detail="“quiet”\n"),
        ev.OrderReported(ts_recv=START, book="b", order=order),
        ev.FillReported(ts_recv=START, book="b", fill=fill),
        ev.PositionReported(ts_recv=START, book="b", position=position),
        ev.AccountReported(ts_recv=START, book="b", balance_usd=Decimal("-0.01"), can_trade=False),
        ev.reply(fx.CancelOrder("b", "c", "9", "MNQ"), START, accepted, venue_id="9"),
        ev.reply(fx.ClosePosition("b", "MNQ"), START, ev.Outcome.REFUSED, "no", Cause.CLOSED),
        ev.SnapshotTaken(
            ts_recv=START,
            book="b",
            since=0,
            account=account,
            orders=(order,),
            fills=(fill,),
            positions=(position,),
        ),
        ev.SnapshotFailed(ts_recv=START, book="b", reason="503"),
        ev.JournalState(ts_recv=START, ok=False, detail="disk full"),
        ev.AlertReceived(
            ts_recv=START,
            room="futures",
            message_id="1",
            revision="f00",
            kind=ev.AlertKind.EDITED,
            author="7",
            text="\u202eES long",
            posted_ts=START,
        ),
        ev.CommandReceived(ts_recv=START, command=Flatten(id="1")),
        ev.CommandReceived(ts_recv=START, command=BreakEven(id="2", source="cli", instrument="MNQ")),
        ev.TimeAdvanced(ts_recv=START),
        ev.HeldPriced(ts_recv=START, instrument="MNQ", contract_id="CON.F.US.MNQ.Z23", bid=1, ask=3),
        ev.ClockChecked(ts_recv=START, offset_ns=-300 * NANOS, stood_still_ns=7),
        ev.AccountFound(ts_recv=START, venue="apex", name="50K-\u202e2"),
        ev.BotOverran(ts_recv=START, bot="fast", times=3, took_ns=312, budget_ns=100),
        ev.SecurityTold(ts_recv=START, severity=Severity.WARNING, text="a wrong token from \u202e10.0.0.9"),
        ev.SettingsReloaded(
            ts_recv=START,
            command=Reload(id="r", source="folder"),
            changes=(SettingChange("risk.max_trades", "5", "4"),),
            waiting=("contracts",),
            books=(
                BookTerms("b", "practice", RiskLimits(max_trades=4), Decimal("0.5"), ByRisk(Decimal(100))),
            ),
        ),
        ev.Depth(ts_recv=START, instrument="MNQ", bids=((84_000, 3),), asks=((84_001, 7),), broken="a gap"),
        ev.PredictorTold(
            ts_recv=START, state=PredictorState.READY, card=ModelCard("m", 1, "f00"), hash="abc", retrain_ts=9
        ),
        ev.Predicted(ts_recv=START, request="q", hash="abc", probability=0.625, expected_r=-0.25),
        ev.MoodTold(ts_recv=START, source="wires", instrument="", score=-0.5, weight=2.0),
        ev.RiskTold(ts_recv=START, what=Watched.DRAWDOWN, about="b", value=0.125, limit=0.1, over=True),
    ]


@contextmanager
def recorder(folder: Path, **options: int | bool) -> Iterator[TapeRecorder]:
    tape = TapeRecorder(folder, INSTRUMENTS, lambda: START, **options)  # type: ignore[arg-type]
    try:
        yield tape
    finally:
        tape.close()


def recorded(folder: Path, events: Sequence[ev.AnyEvent], **options: int | bool) -> Path:
    with recorder(folder, **options) as tape:
        for event in events:
            tape.record(event)
    return tape.path


def test_every_kind_of_event_comes_back_identical(tmp_path: Path) -> None:
    events = one_of_each()
    assert {type(event) for event in events} == set(ev.AnyEvent.__args__)
    assert list(read_recording(recorded(tmp_path, events))) == events


@given(events=everything)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_comes_back_identical(
    tmp_path_factory: pytest.TempPathFactory, events: list[ev.AnyEvent]
) -> None:
    folder = tmp_path_factory.mktemp("tape")
    assert list(read_recording(recorded(folder, events, part_bytes=300))) == events


def test_the_header_says_what_was_recorded_and_only_its_owner_may_read(tmp_path: Path) -> None:
    path = recorded(tmp_path / "tapes", [quote(START)])
    header = msgspec.json.decode(gzip.decompress(path.read_bytes()).splitlines()[0], type=TapeHeader)
    assert header == TapeHeader(version=2, instruments=INSTRUMENTS, started=START, part=1)
    assert path.name == "tape-20240308T120000Z.p0001.jsonl.gz"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_parts_follow_one_another_and_a_missing_one_is_missed(tmp_path: Path) -> None:
    events = [quote(START + i) for i in range(30_000)]
    path = recorded(tmp_path, events, part_bytes=1 << 20)
    parts = sorted(tmp_path.iterdir())
    assert len(parts) > 2
    assert list(read_recording(path)) == events
    parts[1].unlink()
    with pytest.raises(TapeError, match=r"p0002\.jsonl\.gz: this part of the recording is missing"):
        list(read_recording(path))


def test_old_parts_are_forgotten(tmp_path: Path) -> None:
    recorded(tmp_path, [quote(START + i) for i in range(30_000)], part_bytes=1 << 18, keep_parts=3)
    assert len(list(tmp_path.iterdir())) == 3


def test_recordings_of_the_same_practice_time_stand_side_by_side(tmp_path: Path) -> None:
    first, second = recorded(tmp_path, [quote(START)]), recorded(tmp_path, [quote(START, 200)])
    assert first != second
    assert list(read_recording(first)) == [quote(START)]
    assert list(read_recording(second)) == [quote(START, 200)]


def test_a_torn_recording_gives_what_is_whole_and_says_that_it_was_cut(tmp_path: Path) -> None:
    events = [quote(START + i) for i in range(20_000)]
    path = recorded(tmp_path, events)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    got: list[ev.AnyEvent] = []
    with pytest.raises(TapeError, match="was cut off after"):
        got.extend(read_recording(path))
    got = list(read_recording(path, cut_ok=True))
    assert 0 < len(got) < len(events)
    assert got == events[: len(got)]


def test_events_that_find_no_room_are_counted_and_missed_when_read(tmp_path: Path) -> None:
    with recorder(tmp_path, buffer_events=0) as tape:
        for i in range(5):
            tape.record(quote(START + i))
        assert tape.missing == 5
    with pytest.raises(TapeError, match="row 2: 5 events are missing here"):
        list(read_recording(tape.path))
    assert list(read_recording(tape.path, cut_ok=True)) == []


def test_a_lossless_recorder_waits_for_room(tmp_path: Path) -> None:
    events = [quote(START + i) for i in range(5_000)]
    with recorder(tmp_path, buffer_events=100, lossless=True) as tape:
        for event in events:
            tape.record(event)
    assert tape.missing == 0
    assert list(read_recording(tape.path)) == events


def test_a_full_disk_ends_the_recording_and_not_the_engine(tmp_path: Path) -> None:
    with recorder(tmp_path, part_bytes=1) as tape:
        part_path(tmp_path, "tape-20240308T120000Z", 2).mkdir()  # where the next part should go
        tape.record(quote(START))
    assert tape.error == "File exists"
    tape.record(quote(START))
    assert tape.missing == 1
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match="can't record to"):
        TapeRecorder(tmp_path / "file", INSTRUMENTS, lambda: START)


def rewritten(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))
    return path


def test_an_event_that_cant_be_written_ends_the_recording_and_not_the_engine(tmp_path: Path) -> None:
    with recorder(tmp_path) as tape:
        tape.record(ev.LinkChanged(ts_recv=START, link="market", state=ev.LinkState.DOWN, detail="\ud800"))
    assert tape.error is not None
    assert "surrogates" in tape.error


def test_a_recording_of_the_first_version_is_read(tmp_path: Path) -> None:
    path = recorded(tmp_path, [quote(START)])
    header, event, _ = gzip.decompress(path.read_bytes()).splitlines()
    placed = (
        b'{"event":"place_reply","ts_recv":1,"book":"b","client_id":"c","outcome":"accepted","venue_id":"9"}'
    )
    closed = b'{"event":"close_reply","ts_recv":1,"book":"b","instrument":"MNQ","outcome":"unsent"}'
    end = msgspec.json.encode(TapeEnd(events=3, last=True))
    lines = [header.replace(b'"version":2', b'"version":1'), event, placed, closed, end]
    assert list(read_recording(rewritten(path, lines)))[1:] == [
        ev.Replied(
            ts_recv=1,
            request=fx.Request.PLACE,
            book="b",
            instrument="",
            client_id="c",
            outcome=ev.Outcome.ACCEPTED,
            venue_id="9",
        ),
        ev.reply(fx.ClosePosition("b", "MNQ"), 1, ev.Outcome.UNSENT),
    ]


def test_what_is_no_recording_is_refused_by_row(tmp_path: Path) -> None:
    path = recorded(tmp_path, [quote(START)])
    header, event, end = gzip.decompress(path.read_bytes()).splitlines()
    newer = msgspec.json.encode(TapeHeader(version=3, instruments=(), started=0, part=1))
    wrong_count = msgspec.json.encode(TapeEnd(events=2, last=True))
    more = msgspec.json.encode(TapeEnd(events=1, last=False))
    for lines, problem in (
        ([event, end], "row 1: a header should be here"),
        ([newer, end], "is of version 3; this program reads up to 2"),
        ([header, b"{nonsense", end], "row 2: JSON is malformed"),
        ([header, b'{"event":"quote"}', end], "row 2: Object missing required field"),
        ([header, header, end], "row 2: a second header"),
        ([header, event, wrong_count], "row 3: 1 events were read, 2 recorded"),
    ):
        with pytest.raises(TapeError, match=problem):
            list(read_recording(rewritten(path, lines)))
    with pytest.raises(TapeError, match="a name that does not tell which"):
        list(read_recording(rewritten(tmp_path / "renamed.jsonl.gz", [header, event, more])))
    (tmp_path / "x.jsonl.gz").write_bytes(b"plain text")
    with pytest.raises(TapeError, match=r"x\.jsonl\.gz: Not a gzipped file"):
        list(read_recording(tmp_path / "x.jsonl.gz"))


def test_a_recording_plays_as_a_market_of_one_contract(tmp_path: Path) -> None:
    past = tuple(
        Bar("MNQ", Timeframe.M1, START + i * MINUTE, 100, 100, 100, 100, 1, backfilled=True)
        for i in (-2, -1, 0)
    )
    events: list[ev.AnyEvent] = [
        ev.HistoryLoaded(ts_recv=START, instrument="MNQ", bars=past),
        ev.CommandReceived(ts_recv=START, command=Pause(id="1")),
        ev.Quote(ts_recv=START + 9, ts_venue=START + 5, instrument="MNQ", bid=100, ask=101),
        ev.Quote(ts_recv=START + 9, ts_venue=START + 5, instrument="ES", bid=1, ask=2),
        *[ev.Print(ts_recv=START + 9, ts_venue=START + 3, instrument="MNQ", price=101, size=2, seq=5)] * 2,
    ]
    path = recorded(tmp_path, events)
    tape = open_tape(path, "MNQ")
    assert (tape.kind, tape.start_ts, tape.month) == ("inbox", START, None)
    assert tape.history("MNQ") == past[:2]
    assert [(type(event), event.ts_recv, event.ts_venue) for event in tape.events()] == [
        (ev.Print, START + 3, START + 3),
        (ev.Quote, START + 5, START + 5),
    ]
    assert [one.price for one in tape.prints()] == [101]
    with pytest.raises(TapeError, match="has no quotes or prints of GC"):
        open_tape(path, "GC")


def test_f57_a_recording_that_goes_on_into_another_month_is_two_markets(tmp_path: Path) -> None:
    def resolved(name: str) -> ev.ContractResolved:
        return ev.ContractResolved(ts_recv=START, instrument=INSTRUMENTS[0], contract_id=name, name=name)

    def traded(ts: int, price: int) -> ev.Print:
        return ev.Print(ts_recv=ts, ts_venue=ts, instrument="MNQ", price=price, size=1)

    path = recorded(
        tmp_path, [resolved("MNQH4"), traded(START, 100), resolved("MNQM4"), traded(START + 1, 900)]
    )
    with pytest.raises(TapeError, match=r"'MNQM4' after 'MNQH4': .* --symbol MNQH4"):
        open_tape(path, "MNQ")
    assert [one.price for one in open_tape(path, "MNQ", symbol="mnqm4").prints()] == [900]
    with pytest.raises(TapeError, match="has no quotes or prints of MNQU4"):
        open_tape(path, "MNQ", symbol="MNQU4")
