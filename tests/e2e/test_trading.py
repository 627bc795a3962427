from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.e2e.terminal import HELD, Cockpit
from tests.e2e.venue import BUY, Venue, moment

FIRST_ENTRY = timedelta(seconds=120)
LEAD = timedelta(seconds=10)
"""How long before 08:25 a practice day begins."""
IDEAS_SOON = "49"
"""A seed whose day has ideas at 08:26 and the next ones at 08:28."""


def test_a_position_opens_protected_and_flattening_closes_it_at_the_venue(desk: Path) -> None:
    with Cockpit.start(desk, "--speed", "12") as cockpit:
        venue = Venue(cockpit.practice())
        assert venue.positions() == []
        cockpit.wait_for(HELD, 90)
        held = cockpit.wait_until(venue.protected, "each position has its stops at the venue")
        entry = moment(venue.trades()[0])
        opening = entry.replace(hour=8, minute=25, second=0, microsecond=0) - LEAD
        assert entry - opening <= FIRST_ENTRY
        for contract in held:
            cockpit.wait_for(rf"{_product(contract)}\w* +. {'LONG' if held[contract] > 0 else 'SHORT'}")

        # The question names what would happen; No leaves everything as it is.
        before = venue.live_orders(), venue.trades()
        cockpit.press("F")
        cockpit.wait_for("Yes")
        for contract, qty in held.items():
            orders = sum(order["contractId"] == contract for order in before[0])
            deed = f"{'sell' if qty > 0 else 'buy'} {abs(qty)} at market, cancel {orders} order"
            assert f"{_product(contract)}: {deed}" in cockpit.text
        cockpit.answer("n")
        cockpit.wait_gone("Yes")
        assert (venue.live_orders(), venue.trades()) == before
        assert venue.signed() == held
        assert "ACTIVE" in cockpit.screen()[0]

        cockpit.press("F")
        cockpit.confirm()
        cockpit.wait_until(
            lambda: not venue.positions() and not venue.live_orders(), "the venue holds nothing any more"
        )
        cockpit.wait_until(lambda: not cockpit.find(HELD), "the screen shows no position")
        assert "ACTIVE" not in cockpit.screen()[0]
        cockpit.wait_for(r"REDUCING|PAUSED")
        # What was opened was closed, and no more.
        assert _net(venue) == dict.fromkeys(held, 0)
        assert venue.live_orders() == []


def test_a_pause_lets_signals_pass_and_resuming_lets_them_trade(home: Path) -> None:
    with Cockpit.start(home, "--speed", "20", "--seed", IDEAS_SOON) as cockpit:
        venue = Venue(cockpit.practice())
        cockpit.wait_for("ACTIVE")
        cockpit.press("p")
        cockpit.wait_for("REDUCING|PAUSED")
        cockpit.wait_for(r"refused: (?:entries are|paused)", 90)
        assert venue.trades() == []
        assert venue.live_orders() == []
        cockpit.press("p")
        cockpit.wait_for("ACTIVE")
        cockpit.wait_for(HELD, 90)
        cockpit.wait_until(venue.protected, "each position has its stops at the venue")


def _net(venue: Venue) -> dict[str, int]:
    """Bought less sold of all half-turns, by contract."""
    net: dict[str, int] = {}
    for trade in venue.trades():
        qty = trade["size"] if trade["side"] == BUY else -trade["size"]
        net[trade["contractId"]] = net.get(trade["contractId"], 0) + qty
    return net


def _product(contract: str) -> str:
    """What the screen calls a contract: "MNQ" of "CON.F.US.MNQ.Z26"."""
    root = contract.split(".")[3]
    return {"EP": "ES", "ENQ": "NQ", "GCE": "GC"}.get(root, root)
