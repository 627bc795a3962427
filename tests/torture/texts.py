"""Texts of an alert room, as wild as they come: none raises, none is traded that a strict reader would not.

Half of them are people's habits, of which is known what they are (tests/torture/habits.py). The others are
read by a strict reader that knows nothing of the product's patterns: it takes lines apart word by word.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from engine.books.alert_trading import AlertTrading
from engine.books.book import Book, BookSpec
from engine.books.entries import EntryTerms
from engine.books.opening import VENUE_LINKS
from engine.model import records as r
from engine.model.alerts import Verdict
from engine.model.config import BookConfig, EngineConfig
from engine.model.events import AlertKind, AlertReceived, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.plans import Idea
from engine.model.rooms import AlertRoom
from engine.portfolio.money import Marks
from engine.signals.market_data import MarketData
from engine.state.state import State
from engine.state.turn import Turn
from tests.torture.habits import SIREN, Habit, Read, habits

NQ = 80_000
"""The market, ticks: 20000.00."""


class Tally:
    def __init__(self) -> None:
        self.texts = 0
        self.traded = 0
        self.reasons: Counter[str] = Counter()


# --- texts -----------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [SIREN, " ", "\n", "NQ", "ES", "NQM6", "MNQ", "long", "short", "LONG", "20000", "19990", "20010", ".25",
     ".", ":", "A", "B", "C", "D", "GAMMA", "Stop", "Stop: 19990", "Stop: 20010", "🚨 NQ long 20000: A",
     "🚨 NQ short 20000: C", "T1", "Target 2: 20040", "@everyone", "<@&12>", "\u202e", "\u200b", "\x00", "²",
     "٣", "⑳", "**", "`", "|", "-", ",", "$", "'; DROP TABLE", "[bold]", "\ufeff", "\ud800", "\r\n", "\t",
     "\u2028", "~~", "||", ">>> ", "\n> ", "TP1: 20010", "cancelled", "T1: 20,010", "half size"]
)  # fmt: skip

_PRICES = st.one_of(
    st.sampled_from(["20000", "20001.25", "19995", "2000", "200000", "20000.1", "1e5", "\uff12\uff10000"]),
    st.integers(19_940, 20_060).map(str),
)

_NEAR = st.one_of(st.sampled_from(["20000", "20001.25", "19998.5", "20003"]), _PRICES)
_BEYOND = st.one_of(st.sampled_from(["19990", "19985.75", "20010", "20030"]), _PRICES)

_PARTS = (
    st.sampled_from([SIREN + " ", SIREN, ""]),
    st.sampled_from(["NQ", "NQ", "NQZ26", "ES", "nq"]),
    st.sampled_from([" long ", " short ", " LONG ", " Short ", " longer "]),
    _NEAR,
    st.sampled_from([": ", ": ", ":", " : ", " "]),
    st.sampled_from("AABBCD"),
    st.sampled_from(["", "", "", " GAMMA", " gamma x"]),
    st.sampled_from(["\n", "\n", "\nnote\n", "\na\nb\n", "\r\n"]),
    st.just("Stop: "),
    _BEYOND,
    st.sampled_from(["", "", "\n@everyone", "\n@everyone", "\nStop: 1", " or so"]),
)


@st.composite
def _nearly(draw: st.DrawFn) -> str:
    """An alert with a few things wrong, or none."""
    text = "".join(draw(part) for part in _PARTS)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.one_of(_WORDS, st.characters())) + text[at + draw(st.integers(0, 2)) :]
    return text


WILD = st.one_of(
    _nearly(),
    _nearly(),
    _nearly(),
    st.lists(_WORDS, max_size=16).map("".join),
    st.text(max_size=200),
    st.builds(str.__mul__, st.text(min_size=1, max_size=8), st.integers(0, 20_000)),
)


# --- the strict reader -----------------------------------------------------------------------------------


def strictly(text: str) -> Read | None:
    """The one alert that a text is, by the letter; None where it is not one."""
    lines = _plainly(_unstruck(text))
    if lines is None or sum(line.count(SIREN) for line in lines) > 1:
        return None
    heads = [k for k, line in enumerate(lines) if _begins(line)]
    stops = [k for k, line in enumerate(lines) if _speaks(line, "STOP", "STOPS", "SL")]
    if len(heads) != 1 or len(stops) != 1 or not 0 < stops[0] - heads[0] <= 2:
        return None
    head, colon, size = lines[heads[0]].partition(":")
    words = head.removeprefix(SIREN).strip(" ").split(" ")
    keyword, second, price = lines[stops[0]].partition(":")
    if not colon or not second or len(words) != 3 or words[1] not in ("LONG", "SHORT"):
        return None
    if keyword.strip(" ") != "STOP":
        return None
    grade = size.strip(" ").removesuffix(" GAMMA")
    entry, stop = _price(words[2]), _price(price.strip(" "))
    if grade not in ("A", "B", "C") or entry is None or stop is None:
        return None
    others = [line for k, line in enumerate(lines) if k not in (heads[0], stops[0])]
    if any(_takes_back(line) or _speaks(line, *_SIZES) for line in others):
        return None
    aims = [_aim(line) for line in others if _speaks(line, "T", "T1", "T2", "TP1", "TARGET")]
    if [number for number, _ in aims] != list(range(1, len(aims) + 1)):
        return None
    return Read(words[0], words[1] == "LONG", entry, stop, grade, tuple(aim for _, aim in aims))


_SIZES = ("SIZE", "CONTRACT", "CONTRACTS", "HALF")


def _unstruck(text: str) -> str:
    """Without what stands between two tildes or bars and two more, or the end."""
    out, rest = "", text
    while rest:
        at = min((k for mark in ("~~", "||") if (k := rest.find(mark)) >= 0), default=-1)
        if at < 0:
            break
        mark = rest[at : at + 2]
        end = rest.find(mark, at + 3)  # between two marks there is something
        out += rest[:at] + "\ufffc"
        rest = rest[end + 2 :] if end >= 0 else ""
    lines = (out + rest).split("\n")
    quoted = next((k for k, line in enumerate(lines) if line.lstrip().startswith(">>>")), len(lines))
    return "\n".join([*lines[: quoted + 1], *(f">{line}" for line in lines[quoted + 1 :])])


def _speaks(line: str, *words: str) -> bool:
    """Whether one of these stands in a line as a word."""
    return any(word in words for word in _words(line))


def _words(line: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in line).split()


def _takes_back(line: str) -> bool:
    bare = line.lstrip("".join(c for c in line if not c.isalnum() and c not in "+-"))
    return _words(line)[:1] == ["CANCELLED"] or (bare[:1] in ("+", "-") and bare[1:2].isdigit())


def _aim(line: str) -> tuple[int, Decimal]:
    """Which target a line gives, and where; 0 for none that can be read."""
    keyword, _, price = line.partition(":")
    number, found = _words(keyword)[-1:], _price(price.strip(" "))
    if found is None or keyword.replace(" ", "") not in ("T1", "T2", "TP1", "TARGET2"):
        return 0, Decimal(0)
    return int(number[0][-1]), found


def _plainly(text: str) -> list[str] | None:
    if len(text) > 4_000:
        return None
    seen = []
    for character in text:
        folded = unicodedata.normalize("NFKC", character)
        if character > "\x7f" and any(c.isdigit() for c in folded):
            return None
        seen.append(character)
    folded = unicodedata.normalize("NFKC", "".join(seen))
    kept = []
    for character in folded:
        if character == "\n":
            kept.append("\n")
        elif character.isspace():
            kept.append(" ")
        elif unicodedata.category(character)[0] != "C" and not 0xFE00 <= ord(character) <= 0xFE0F:
            kept.append(character)
    plain = _unmarked(_unmentioned("".join(kept)))
    lines = [" ".join(word for word in line.split(" ") if word) for line in plain.split("\n")]
    lines = [line for line in lines if line]
    return None if len("\n".join(lines)) > 400 else [line.upper() for line in lines]


def _unmarked(text: str) -> str:
    """Without stars, underscores and backticks, but for those between two digits."""
    out, at = "", 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] in "*_`":
            end += 1
        inside = out[-1:].isdigit() and text[end : end + 1].isdigit()
        out += text[at : end + 1] if inside or end == at else text[end : end + 1]
        at = end + 1
    return out


def _unmentioned(text: str) -> str:
    for word in ("@everyone", "@here"):
        text = text.replace(word, "")
    out, at = [], 0
    while at < len(text):
        end = text.find(">", at)
        opens = text[at : at + 2] in ("<@", "<#") and end > 0
        inner = text[at + 2 : end].lstrip("!&" if text[at + 1] == "@" else "") if opens else ""
        short = opens and text[at + 1] == "@" and text[at + 2 : at + 3] in ("!", "&")
        whole = inner.isascii() and inner.isdigit() and len(inner) <= 20
        if whole and len(text[at + 2 : end]) == len(inner) + short:
            at = end + 1
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _begins(line: str) -> bool:
    """Whether a line sets out to be an alert."""
    words = line.removeprefix(SIREN).removeprefix(" ").split(" ")
    root = words[0]
    side = words[1] if len(words) > 1 else ""
    named = root.isascii() and root.isalnum() and 0 < len(root) <= 7
    return named and (_is_word("LONG", side) or _is_word("SHORT", side))


def _is_word(word: str, line: str) -> bool:
    """Whether a line begins with a word, not with a longer one."""
    after = line[len(word) : len(word) + 1]
    return line.startswith(word) and not (after.isalnum() or after == "_")


def _price(word: str) -> Decimal | None:
    whole, point, part = word.partition(".")
    digits = whole.isascii() and whole.isdigit() and len(whole) <= 6
    if point:
        digits = digits and part.isascii() and part.isdigit() and len(part) <= 5
    return Decimal(word) if digits else None


# --- the room --------------------------------------------------------------------------------------------


class _Room:
    """The alerts of one room and one book; what it would enter is written down, and not entered."""

    def __init__(self, *, variants: bool = False, default_size: int = 0) -> None:
        self.turn = Turn(State())
        self.ideas: list[Idea] = []
        instruments = {"MNQ": CME_FUTURES["MNQ"]}
        room = AlertRoom("wild", {"NQ": "MNQ"}, repeat_ns=0, variants=variants, default_size=default_size)
        config = EngineConfig(tuple(instruments.values()), "torture", "t", 1, rooms=(room,))
        market = MarketData(instruments, config.bar_grace_ns, config.stale_ns, self.turn.counts)
        market.on_quote(Quote(ts_recv=0, instrument="MNQ", bid=NQ, ask=NQ + 1, last=NQ), 0)
        book = Book(BookSpec(BookConfig("one"), VENUE_LINKS), self.turn, config, Marks(), streaming=True)
        self.alerts = AlertTrading(
            config.rooms, {}, instruments, self.turn, {"one": book}, market, self._consider
        )
        self.number = 0

    def _consider(self, _book: Book, idea: Idea, _terms: EntryTerms) -> None:
        self.ideas.append(idea)

    def post(self, text: str) -> r.AlertTaken:
        self.number += 1
        self.ideas.clear()
        self.turn.begin(self.number)
        self.alerts.take(
            AlertReceived(
                ts_recv=self.number,
                ts_venue=self.number,
                room="wild",
                message_id=str(self.number),
                revision="x",
                kind=AlertKind.POSTED,
                author="1",
                text=text,
                posted_ts=self.number,
            )
        )
        (taken,) = self.turn.records
        assert isinstance(taken, r.AlertTaken)
        return taken


def fuzz(seed: int, count: int) -> Tally:
    """Post so many texts, to rooms of each kind. Raises AssertionError where one of them is read wrongly."""
    tally = Tally()
    strict = _Room()
    rooms = (strict, _Room(default_size=1), _Room(variants=True), _Room(variants=True, default_size=1))

    def look(case: Habit | str) -> None:
        text = case.text if isinstance(case, Habit) else case
        for room in rooms if isinstance(case, Habit) else (strict,):
            taken = room.post(text)
            if room is strict:
                tally.texts += 1
                tally.traded += bool(room.ideas)
                tally.reasons[taken.reason.value if taken.reason is not None else "traded"] += 1
            examine(case, taken, room.ideas)
            if taken.verdict is not Verdict.TRADED:
                assert room.turn.notices[-1].text.isprintable(), "the screen is given what it can't show"

    run: Callable[[], None] = seeded(seed)(
        settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))(
            given(st.one_of(*[habits()] * 6, WILD))(look)
        )
    )
    run()
    return tally


def examine(case: Habit | str, taken: r.AlertTaken, ideas: list[Idea]) -> None:
    """What the product made of a text against what it is, or what a strict reader makes of it."""
    read = case.truth if isinstance(case, Habit) else strictly(case)
    assert r.decode(r.encode(taken)) == taken
    assert len(taken.excerpt) <= 80
    assert taken.excerpt.isprintable()
    if taken.verdict is not Verdict.TRADED:
        assert taken.reason is not None
        assert not ideas, "a refused text is traded"
        assert read is None or not isinstance(case, Habit), f"{taken.reason}, and it is {read}"
        return
    assert read is not None, "traded, and a strict reader sees no alert"
    (idea,) = ideas
    assert read.root[:2] == "NQ"
    assert taken.terms is not None
    assert ((idea.side is Side.BUY), idea.stop) == (read.long, int(read.stop * 4))
    assert (taken.terms.entry, taken.terms.grade) == (int(read.entry * 4), read.grade)
    assert abs(taken.terms.entry - NQ) <= 20 + 1
    assert idea.stop_ticks > 0
    sign = idea.side.sign
    usual = tuple(taken.terms.entry + sign * ticks for ticks in (28, 48))
    given_ones = tuple(int(target * 4) for target in read.targets[:2])
    assert idea.targets == (given_ones or usual), "targets that the text does not give"
