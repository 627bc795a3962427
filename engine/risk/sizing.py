"""What one lot loses at its stop, and how a quantity is split over the targets."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from msgspec import structs

from engine.model.figures import MINUS
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits, SingleContract
from engine.model.plans import Idea, Leg


def loss_usd(instrument: Instrument, price: int, stop_ticks: int, limits: RiskLimits) -> Decimal:
    """What one contract loses at its stop, USD: the distance, slippage and costs of both sides. Where these
    depend on prices, a short's stop counts, which is the dearer one.
    """
    lost = stop_ticks + 2 * limits.slippage_ticks
    return instrument.usd(lost) + instrument.round_trip(price, price + lost)


def amount(usd: Decimal | Fraction) -> str:
    """Money in words: to the cent, and what is below a unit to four digits, as one lot of a coin may be."""
    number = float(usd)
    text = f"{number:.2f}" if abs(number) >= 1 or not number else f"{number:.4g}"
    return text.replace("-", MINUS) if number < 0 else text


def legs(
    idea: Idea,
    qty: int,
    single: SingleContract = SingleContract.T1,
    *,
    absolute: bool = False,
    whole: bool = False,
) -> tuple[Leg, ...]:
    """Split a quantity over the targets: half to the first (rounded down), the rest to the second.

    One contract can't be split: `single` says whether it leaves at the first target, or goes to break-even at
    its touch and is held for the second (docs/semantics.md#odd-quantities). With `absolute` stop and targets
    are the idea's own prices, wherever the entry fills; the offsets are what the native bracket begins with.
    What stays `whole` is treated like one contract.
    """
    split = _split(idea, qty, single, whole)
    if not absolute:
        return split
    prices = {target - idea.reference: target for target in idea.targets}
    return tuple(
        structs.replace(
            leg,
            stop=idea.stop,
            target=None if leg.target_offset is None else prices[leg.target_offset],
            touch=None if leg.touch_offset is None else prices[leg.touch_offset],
        )
        for leg in split
    )


def _split(idea: Idea, qty: int, single: SingleContract, whole: bool) -> tuple[Leg, ...]:
    stop = idea.stop - idea.reference
    offsets = [target - idea.reference for target in idea.targets]
    first = 0 if whole else qty // 2
    if len(offsets) < 2:
        return (Leg(qty, stop, offsets[0] if offsets else None),)
    if not first:
        if single is SingleContract.HOLD:
            return (Leg(qty, stop, offsets[1], touch_offset=offsets[0]),)
        return (Leg(qty, stop, offsets[0]),)
    return (Leg(first, stop, offsets[0]), Leg(qty - first, stop, offsets[1]))
