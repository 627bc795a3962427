"""What went out just now: how long its absence from a venue's lists means nothing."""

from __future__ import annotations

from adapters.common.sent_orders import SentOrders, not_yet


async def test_absence_means_nothing_while_an_order_is_young() -> None:
    young, old = SentOrders(60.0), SentOrders(0.0)
    for sent in (young, old):
        sent.sent("a")
        sent.sent("b")
    assert young.missing({"b", None}) == ["a"]
    assert old.missing({"b", None}) == []
    assert "does not list a yet" in str(not_yet(["a"]))


async def test_what_was_refused_is_not_waited_for_and_memory_is_bounded() -> None:
    sent = SentOrders(60.0)
    for number in range(1_500):
        sent.sent(f"o-{number}")
    sent.refused("o-1499")
    sent.refused("never sent")
    missing = sent.missing(())
    assert len(missing) == 999
    assert missing[-1] == "o-1498"
