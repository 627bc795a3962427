"""What the picture says can happen now is what the gate would say, whatever has happened."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import events as ev
from engine.model.commands import AnyCommand, Flatten, Halt, Pause, Resume
from engine.model.instrument import CME_FUTURES
from engine.model.market import NANOS
from engine.model.orders import Slot
from engine.model.refusals import Refusal
from engine.model.view import HealthView, View
from engine.model.view_standing import StandingWord
from engine.runtime.view_builder import picture
from tests.support.manual_venue import ManualVenue, entered

WHERE = st.sampled_from([None, "MNQ", "ES"])
COMMANDS = st.one_of(
    st.builds(Pause, id=st.just("p"), instrument=WHERE),
    st.builds(Halt, id=st.just("h"), instrument=WHERE),
    st.builds(Resume, id=st.just("r"), instrument=WHERE, halted=st.booleans()),
    st.just(Flatten(id="f", instrument="MNQ")),
)
LINKS = st.tuples(st.sampled_from(["market", "user", "rest"]), st.sampled_from(list(ev.LinkState)))
STEPS = st.one_of(COMMANDS, LINKS, st.sampled_from([1, 20, 400]), st.just("quote"))


def shown(bench: ManualVenue) -> View:
    return picture(bench.core, 1, HealthView(ok=True))


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEPS, max_size=8))
def test_active_is_never_said_while_the_gate_would_refuse_for_every_contract(
    steps: list[AnyCommand | tuple[str, ev.LinkState] | int | str],
) -> None:
    bench, _ = entered()
    bench.step(
        ev.ContractResolved(ts_recv=bench.now, instrument=CME_FUTURES["ES"], contract_id="y", name="ESX")
    )
    for step in steps:
        if isinstance(step, int):
            bench.now += step * NANOS
        elif isinstance(step, tuple):
            bench.step(ev.LinkChanged(ts_recv=bench.now, link=step[0], state=step[1]))
        elif isinstance(step, str):
            bench.quote()
        else:
            bench.say(step)
        view, (book,) = shown(bench), bench.core.books.values()
        at = view.standing
        assert at is not None
        refused = all(bench.core.entries.against(book, symbol) for symbol in bench.core.instruments)
        assert not (refused and at.word in (StandingWord.ACTIVE, StandingWord.REDUCING))
        if not refused and all(link.state is ev.LinkState.LIVE for link in view.links):
            assert at.word in (StandingWord.ACTIVE, StandingWord.REDUCING, StandingWord.FLATTENING)
        assert view.books[0].standing == at


def test_a_lost_link_says_how_often_it_was_tried_and_prices_how_old_they_are() -> None:
    bench, _ = entered()
    assert bench.core.links.all()
    for n in range(3):
        bench.step(ev.LinkChanged(ts_recv=bench.now, link="market", state=ev.LinkState.DOWN, detail=str(n)))
    view = shown(bench)
    at = view.standing
    assert at is not None
    assert (at.word, at.reconnecting, at.tries) == (StandingWord.NO_ENTRIES, True, 3)
    assert at.stops_stay, "all that is held has its stop"
    assert {cause.code for cause in at.causes} >= {Refusal.VENUE_DOWN}
    bench.step(ev.LinkChanged(ts_recv=bench.now, link="market", state=ev.LinkState.LIVE))
    assert {link.tries for link in shown(bench).links} == {0}


def test_a_flatten_says_how_many_lots_it_has_closed() -> None:
    bench, _ = entered()
    bench.say(Flatten(id="f", instrument="MNQ"))
    (book,) = shown(bench).books
    assert book.standing is not None
    assert book.standing.word is StandingWord.FLATTENING
    assert book.flatten is not None
    assert [(c.instrument, c.closed, c.of) for c in book.flatten.closing] == [("MNQ", 0, 5)]


def test_a_position_has_its_risk_to_the_stop_and_its_r_net_of_costs() -> None:
    bench, _ = entered()
    known, (position,) = bench.core.instruments["MNQ"], shown(bench).positions
    lots, (stop,) = abs(position.qty), [o for o in bench.in_slot(Slot.STOP) if o.stop is not None]
    assert position.mark is not None
    assert stop.stop is not None
    mark = int(position.mark / known.tick_size)
    exit_costs = known.cost(stop.stop, lots)
    assert position.risk_usd == known.usd((mark - stop.stop) * lots) + exit_costs
    held = bench.book.positions["MNQ"]
    costs = held.costs_usd + known.cost(mark, lots)
    assert position.r_now == ((position.open_usd - costs) / known.usd(40 * lots)).quantize(Decimal("0.01"))
    assert position.plan in bench.book.plans
    bench.end(stop.venue_id or "")
    (bare,) = shown(bench).positions
    assert (bare.risk_usd, bare.protected_qty) == (None, 0)
