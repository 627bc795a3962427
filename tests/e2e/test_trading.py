from __future__ import annotations

from pathlib import Path

from tests.e2e.program import gone
from tests.e2e.terminal import HELD, Cockpit
from tests.e2e.venue import BUY, IDEAS_SOON, Venue


def test_a_pause_lets_signals_pass_a_position_opens_protected_and_flattening_closes_it_at_the_venue(
    desk: Path,
) -> None:
    (desk / "tstream.toml").write_text('contracts = ["MNQ", "MES", "MGC"]\n', encoding="utf-8")
    with Cockpit.start(desk, "--speed", "15", "--seed", IDEAS_SOON) as cockpit:
        venue = Venue(practice := cockpit.practice())
        cockpit.wait_for("ACTIVE")
        cockpit.press("p")
        cockpit.wait_for("REDUCING|PAUSED")
        cockpit.wait_for(r"refused: (?:entries are|paused)", 90)
        assert venue.trades() == []
        assert venue.live_orders() == []
        cockpit.press("p")
        cockpit.wait_for("ACTIVE")
        cockpit.wait_for(HELD, 90)
        held = cockpit.wait_until(venue.protected, "each position has its stops at the venue")
        for contract in held:
            cockpit.wait_for(rf"{_product(contract)}\w* +. {'LONG' if held[contract] > 0 else 'SHORT'}")

        # The question names what would happen; No leaves everything as it is.
        cockpit.press("F")
        cockpit.wait_for("Yes")
        cockpit.wait_until(lambda: _names_what_is_held(cockpit, venue), "each position's close is named")
        legs = {order["id"] for order in venue.live_orders()}
        cockpit.answer("n")
        cockpit.wait_gone("Yes")
        moved = {trade["contractId"] for trade in venue.trades() if trade["orderId"] in legs}
        kept = {contract: qty for contract, qty in held.items() if contract not in moved}
        assert kept.items() <= venue.signed().items()
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
        assert set(_net(venue).values()) == {0}
        assert venue.live_orders() == []

        cockpit.process.terminate()
        assert cockpit.ended(20) == 0
        gone(practice)
        assert b"practice: day " in cockpit.raw
        assert b" USD, flat" in cockpit.raw
        assert not (desk / "state" / "crash.log").exists()


def _names_what_is_held(cockpit: Cockpit, venue: Venue) -> bool:
    orders = [order["contractId"] for order in venue.live_orders()]
    return all(
        f"{_product(contract)}: {'sell' if qty > 0 else 'buy'} {abs(qty)} at market, "
        f"cancel {orders.count(contract)} order" in cockpit.text
        for contract, qty in venue.signed().items()
    )


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
