"""Alerts as people write, mend, quote, hide and take them back, each with what it is.

Who makes a text knows what it is without reading it: an alert with these figures, or none. NQ, at 20000.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st


class Read(NamedTuple):
    """What a strict reader makes of a text."""

    root: str
    long: bool
    entry: Decimal
    stop: Decimal
    grade: str
    targets: tuple[Decimal, ...] = ()


class Habit(NamedTuple):
    text: str
    truth: Read | None
    what: str
    """The habit that it shows."""


SIREN = "🚨"

READABLE = ("{}", "{}.0", "{}.00", "**{}**", "__{}__", "`{}`")
"""Forms of a figure that are read."""

UNREADABLE = (
    "{},000", "{}-{}", "{} - {}", "{}/{}", "~{}", "${}", "{}k", "{}.", ".{}", "-{}", "+{}", "{}?",
    "{}ish", "around {}", "{} or so", "{}'000", "{} 000", "{}*5", "{}_5", "{}e1", "0x{}", "{}½",
    "{}²", "{}٣", "２{}", "{}⑳", "{} (mental)", "~~{}~~", "~~{}~~ {}", "||{}||", "{}~~0~~",
    "sixty-three", "twenty thousand", "BE", "tbd", "?", "soon", "{} {}", "{} -> {}", "{},25",
    "{}.25.5", "<{}", "{}%", "1{}00", "{}\N{ZERO WIDTH SPACE},5",
)  # fmt: skip

TALK = (
    "@everyone", "@here", "<@&1050033416185335808>", "<#12345>", "GAMMA day", "starter",
    "good luck everyone", "nice level", "breaking out here", "trend is with us", "ES looks alike",
    "patience", "as discussed in the call", "🔥🔥", "---",
)  # fmt: skip

OVER = (
    "❌", "✅ done", "done here", "abort", "wrong chat", "not a signal", "12 points", "3R",
    "from yesterday", "🚫🚫", "Status: closed", "💰💰💰", "CANCELLED", "cancelled - do not take",
    "Canceled", "cancel this", "void", "VOIDED", "scratch that", "scratched", "ignore",
    "please ignore this one", "disregard", "nevermind", "never mind", "do not take",
    "don't take this", "skip this", "no trade", "wait for my go", "missed it", "typo above",
    "correction: see below", "edit: entry was off", "update soon", "recap", "RECAP of the day",
    "result", "Results so far", "stopped out", "Stopped out, -10", "closed", "closed for a gain",
    "hit", "this was hit already", "out", "all out here", "exited", "trimmed", "took it off",
    "won 12", "lost 10", "+12", "-10", "+12.5 points", "−10", "+$240", "if it holds", "unless news",
    "yesterday's alert", "example:", "test", "flat now",
)  # fmt: skip

AMISS = (
    "T1: 20,010", "T1: 20010-20012", "TP: 20010/20020", "Targets: 20010, 20020", "Target 1: soon",
    "T1 hit ✅", "T1 ✅", "take profit 20010", "🎯 20010", "PT 20010", "TP1 20010 (half)", "T2: 20010",
    "T1: 20010\nT1: 20020", "20010", "20010 / 20020", "Size: D", "Size: 2", "half size",
    "full size", "size up", "2 contracts", "5 lots", "qty 3", "double", "Entry: 20001",
    "limit 19,995", "exits near 20010", "7 / 12", "Stop: 19980", "stop to BE", "SL 19980",
    "mental stop", "move stops up", "Stop moved to 19995", "🚨", "🚨 NQ long 20010: B",
    "NQ short 20000: A", "ES long 6326: C", "~~x~~ T1: 20,010",
)  # fmt: skip
"""Lines that belong to an alert and can't be read, or say another thing than it does."""

MARKS = (
    "{}",
    "**{}**",
    "__{}__",
    "*{}*",
    "❌ {}",
    "- {}",
    "[{}]",
    "({})",
    "> {}",
    "🚫 {} 🚫",
    "{}!!!",
    "_{}_",
)

_SIDES = st.booleans()
_GRADES = st.sampled_from("ABC")


@st.composite
def habits(draw: st.DrawFn) -> Habit:
    """One alert, as it is, or with one thing done to it; some talk around it."""
    long = draw(_SIDES)
    entry = 20_000 + draw(st.integers(-3, 3))
    sign = 1 if long else -1
    stop = entry - sign * draw(st.integers(5, 30))
    aims = tuple(
        entry + sign * points for points in draw(st.sampled_from([(), (10,), (10, 20), (10, 20, 40)]))
    )
    grade = draw(_GRADES)
    forms = [draw(st.sampled_from(READABLE)) for _ in range(2 + len(aims))]
    word = draw(st.sampled_from(["T", "TP", "Target ", "t", "Tp ", "TARGET"]))
    root = draw(st.sampled_from(["NQ", "nq", "NQZ26"]))
    head = f"{draw(st.sampled_from([SIREN + ' ', SIREN, '']))}{root} {'long' if long else 'SHORT'} "
    tail = draw(st.sampled_from([f": {grade}", f" : {grade}", f": {grade} GAMMA"]))
    lines = [
        head + forms[0].format(entry) + tail,
        f"Stop: {forms[1].format(stop)}",
        *(
            f"{word}{k}: {form.format(aim)}"
            for k, (aim, form) in enumerate(zip(aims, forms[2:], strict=True), 1)
        ),
    ]
    truth = Read(root.upper(), long, Decimal(entry), Decimal(stop), grade, tuple(map(Decimal, aims)))
    for talk in draw(st.lists(st.sampled_from(TALK), max_size=2)):
        lines.insert(draw(st.sampled_from([0, len(lines)])), talk)
    what = draw(st.sampled_from(["as it is", *sorted(_DEEDS)]))
    done = _DEEDS[what](draw, lines, (entry, stop))
    return Habit(done, truth if what == "as it is" else None, what)


def _as_it_is(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    return draw(st.sampled_from(["\n", "\r\n", "\n\n", " \n"])).join(lines)


def _over(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    line = draw(st.sampled_from(MARKS)).format(draw(st.sampled_from(OVER)))
    small = draw(st.sampled_from(["", "", "NQ ", "this is ", "guys, ", "Trade "]))
    return _with(draw, lines, small + line if small and line[0].isalnum() else line)


def _amiss(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    # The alert's own entry may be named again (docs/alerts.md).
    extra = draw(st.sampled_from([one for one in AMISS if str(figures[0]) not in one.replace(",", "")]))
    if extra == "🚨" and not any(SIREN in line for line in lines):
        extra = "🚨🚨"
    if any(line.lower().startswith(("t", "🎯")) for line in lines) and extra.startswith(
        ("T2", "T1: 20010\n")
    ):
        extra = "T1: 20010\nT1: 20020"
    return _with(draw, lines, extra)


def _with(draw: st.DrawFn, lines: list[str], extra: str) -> str:
    at = draw(st.integers(0, len(lines)))
    return "\n".join([*lines[:at], extra, *lines[at:]])


def _struck(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    """The first line, the stop's, both, a part of one, or all from somewhere on."""
    mark = draw(st.sampled_from(["~~", "||"]))
    needed = [
        k
        for k, line in enumerate(lines)
        if ("NQ" in line.upper() and str(figures[0]) in line) or "Stop" in line
    ]
    how = draw(st.sampled_from(["whole", "each", "one", "part", "open"]))
    if how == "whole":
        return mark + "\n".join(lines) + mark
    for k in needed if how == "each" else [draw(st.sampled_from(needed))]:
        line, cut = lines[k], draw(st.integers(1, len(lines[k]) - 1))
        lines[k] = {
            "part": f"{line[:cut]}{mark}{line[cut:]}{mark}",
            "open": f"{line[:cut]}{mark}{line[cut:]}",
        }.get(how, f"{mark}{line}{mark}")
    return "\n".join(lines)


def _quoted(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    if draw(st.booleans()):
        return ">>> " + "\n".join(lines)
    return "\n".join(f"> {line}" for line in lines)


def _figure(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    """A figure of the alert in a form that is not read."""
    text = "\n".join(lines)
    figure = str(draw(st.sampled_from(figures)))
    form = draw(st.sampled_from(UNREADABLE))
    return text.replace(figure, form.replace("{}", figure), 1)


def _sizeless(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    """Something else where the letter belongs."""
    other = draw(
        st.sampled_from(
            [":", ": D", ": A+", ": AB", ": 2", " A", ": ?", ": A half", "\n: A", ": ~~A~~", ": a/b"]
        )
    )
    return "\n".join(
        line.rpartition(":")[0].rstrip() + other if "NQ" in line.upper() and ":" in line else line
        for line in lines
    )


def _another(draw: st.DrawFn, lines: list[str], figures: tuple[int, int]) -> str:
    """Two alerts in one message."""
    return "\n".join(lines + draw(st.permutations(lines)))


_DEEDS = {
    "as it is": _as_it_is,
    "over": _over,
    "amiss": _amiss,
    "struck": _struck,
    "quoted": _quoted,
    "figure": _figure,
    "sizeless": _sizeless,
    "another": _another,
}
