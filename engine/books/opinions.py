"""The second opinion: the model is asked about ideas, and weighed with rules and mood (docs/models.md).

It is asked by an effect and heard as an event. An idea waits for it until it has answered, or for as long as
the patience of the settings by the core's own time, and not a moment longer: then the rules decide alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil

from msgspec import Struct, structs

from engine.books.bots import Bot, Bots
from engine.books.forecasts import Forecasts
from engine.books.mood_told import MoodsTold
from engine.books.opinion_pictures import AskedSoFar, OpinionPictures
from engine.market.bars import BarsClosed
from engine.market.calendars.deadline import held_until
from engine.market.calendars.known import calendar_in
from engine.model import events as ev
from engine.model import records as r
from engine.model.decision import Counsel, Opinion, OpinionConfig, OpinionUse, weigh
from engine.model.effects import AskPrediction
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.opinion import MOST_WINDOW, SLIPPAGE_TICKS, ModelCard
from engine.model.opinion_events import PredictorState
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.view_opinion import OpinionView
from engine.risk.gate import Against
from engine.signals.features import Features, Vector
from engine.signals.market_data import MarketData
from engine.signals.mood import Moods
from engine.signals.past_rows import PastRows
from engine.state.turn import Turn

NEVER = 1 << 63
ANSWERS_KEPT = 64
"""Times of answers, for people."""

Decide = Callable[[Bot, Idea], None]
"""Puts an idea to the books of its bot."""


class _Asked(Struct):
    """A question that is on its way, or one that nobody can be asked."""

    id: str
    instrument: str
    side: Side
    closed_ts: int
    ts: int
    card: ModelCard | None = None
    hash: str = ""
    bot: Bot | None = None
    idea: Idea | None = None
    waits: bool = False
    """The idea is decided once this is over."""


class Opinions:
    """Of one run."""

    def __init__(
        self,
        config: OpinionConfig,
        turn: Turn,
        market: MarketData,
        instruments: Mapping[str, Instrument],
        decide: Decide,
        bots: Bots,
    ) -> None:
        self.config = config
        self.due = NEVER
        """When the patience with the oldest question ends, nanoseconds."""
        self.asked = self.missing = 0
        """Questions of this run, and those of them that no number came of."""
        self.answers_ns: list[int] = []
        """How long the newest answers have taken, by the core's time."""
        self._turn = turn
        self._market = market
        self._instruments = instruments
        self._decide = decide
        self._bots = bots
        self._features = Features(market.board, instruments)
        self._told: ev.PredictorTold | None = None
        """The newest word of the worker in this run."""
        self._under_way: dict[str, _Asked] = {}
        self._count = 0
        self._sampled: dict[str, int] = {}
        """By contract, the stretch of time in which the model was last asked without an idea."""
        self._digested = 0
        """The minute of which contracts were last gathered that are to be digested."""
        self._undigested: list[str] = []
        market.board.moods = moods = Moods(turn.state.opinions.moods)  # those of runs before count on
        self._moods = MoodsTold(turn)
        self._pasts: dict[tuple[str, Timeframe, Side], PastRows[Vector]] = {}
        """Of the contracts that a model of more than one close judges."""
        self._outcomes = Forecasts(turn, market, instruments)
        self._pictures = OpinionPictures(turn, moods)

    def view(self) -> OpinionView | None:
        """As people see it; None where no second opinion is wanted."""
        return self._pictures.view(AskedSoFar(self.config, self.asked, self.missing, self.answers_ns))

    # --- questions -------------------------------------------------------------------------------------

    def take(self, bot: Bot, idea: Idea) -> None:
        """Decide an idea of a bot: at once, or once the model has answered."""
        use = self.config.use
        if use is OpinionUse.OFF:
            self._decide(bot, idea)
            return
        asked = self._new(idea.instrument, idea.side, idea.ts, bot, idea)
        asked.waits = use is OpinionUse.DECIDE
        if not asked.waits:
            self._decide(bot, idea)
        why = self._ask(asked)
        if why is not None:
            self._form(asked, None, why)

    def on_bars(self, closed: BarsClosed) -> None:
        """Bars have closed, and the board knows them: predictions may have come true, and the model is asked
        now and then without an idea.
        """
        if self.config.use is OpinionUse.OFF:
            return
        self._outcomes.look(closed)
        for bar in closed.bars:
            if bar.timeframe is Timeframe.M1:
                self._market.board.order_flow(bar.instrument)  # counted from the first question on
            card = self._card()
            if card is None or bar.timeframe is not card.timeframe:
                continue
            self._features.listen(bar.instrument, card.timeframe)
            if not (bar.gap or bar.backfilled):
                self._note(card, bar, closed.ts)
                self._sample(bar, closed.ts)

    def digest(self) -> None:
        """While there is time to spare: one contract's indicators, once a minute, so that the next question
        about it costs little.
        """
        card = self._card()
        if card is None:
            return
        minute = self._turn.now // MINUTE
        if minute != self._digested:
            self._digested, self._undigested = minute, list(self._instruments)
        if self._undigested:
            self._features.digest(self._undigested.pop(), card.timeframe)

    def _note(self, card: ModelCard, bar: Bar, ts: int) -> None:
        """What is known now will be the past of a later question, from either side."""
        if card.window == 1 or not card.knows(bar.instrument):
            return
        for side in Side:
            vector = self._features.vector(bar.instrument, bar.timeframe, side, ts)
            if vector is not None:
                key = bar.instrument, bar.timeframe, side
                if key not in self._pasts:
                    self._pasts[key] = PastRows(bar.timeframe, MOST_WINDOW)
                self._pasts[key].add(ts, vector)

    def _past(self, card: ModelCard, asked: _Asked) -> tuple[Vector, ...]:
        """What was known at the closes before a question, as many as the model takes."""
        kept = self._pasts.get((asked.instrument, card.timeframe, asked.side))
        return () if kept is None else tuple(kept.before(asked.closed_ts, card.window))

    def _sample(self, bar: Bar, ts: int) -> None:
        every = self.config.sample_ns
        stretch = ts // every if every else 0
        if not every or self._sampled.get(bar.instrument) == stretch:
            return
        direction = self._market.board.alignment(bar.instrument).direction
        if direction:
            self._sampled[bar.instrument] = stretch
            side = Side.BUY if direction > 0 else Side.SELL
            self._ask(self._new(bar.instrument, side, ts))

    def _new(
        self, instrument: str, side: Side, ts: int, bot: Bot | None = None, idea: Idea | None = None
    ) -> _Asked:
        self._count += 1
        name = f"o{self._turn.state.boot}-{self._count}"
        return _Asked(name, instrument, side, ts, self._turn.now, bot=bot, idea=idea)

    def _card(self) -> ModelCard | None:
        told = self._told
        return told.card if told is not None and told.state is PredictorState.READY else None

    def _ask(self, asked: _Asked) -> str | None:
        """Ask the model; gives why it can't be, where it can't."""
        told, card = self._told, self._card()
        if told is None or card is None:
            detail = "" if told is None else told.detail
            return detail or "there is no model"
        if not card.knows(asked.instrument):
            return f"the model does not know {asked.instrument}"
        frame = card.timeframe
        self._moods.settle()
        features = self._features.vector(asked.instrument, frame, asked.side, asked.closed_ts)
        if features is None:
            return f"too little is known of {asked.instrument} on {frame} yet"
        asked.card, asked.hash = card, told.hash
        self._under_way[asked.id] = asked
        self.due = min(self.due, asked.ts + self.config.patience_ns)
        self.asked += 1
        self._turn.questions.append(
            AskPrediction(
                asked.id,
                told.hash,
                asked.instrument,
                frame,
                asked.side,
                features,
                self._past(card, asked) if card.window > 1 else (),
            )
        )
        return None

    # --- answers ---------------------------------------------------------------------------------------

    def hear(self, event: ev.MoodTold | ev.PredictorTold | ev.Predicted) -> None:
        """Texts have a mood, the model has answered, or its worker is in another state."""
        if isinstance(event, ev.MoodTold):
            if self.config.use is not OpinionUse.OFF:  # else nobody looks at it
                self._moods.hear(event)
            return
        if isinstance(event, ev.Predicted):
            asked = self._under_way.pop(event.request, None)
            if asked is not None:  # one that comes too late changes nothing
                self._answered(asked, event)
            return
        self._told = event
        if event.card is not None and self.config.use is not OpinionUse.OFF:
            self._market.fold(event.card.timeframe)  # before it is asked
            self._bots.folded(self._market.bars.timeframes)
        self._turn.commit(
            r.PredictorChanged(
                ts=self._turn.now,
                state=event.state,
                detail=event.detail,
                card=event.card,
                hash=event.hash,
                retrain_ts=event.retrain_ts,
            )
        )
        if event.state is not PredictorState.READY:
            self._give_up(list(self._under_way.values()), event.detail or "the model's worker failed")

    def tend(self) -> None:
        """Whoever has not answered by now is not waited for. Cheap while nobody is."""
        self._moods.tend()
        now, patience = self._turn.now, self.config.patience_ns
        if now < self.due:
            return
        late = [one for one in self._under_way.values() if now >= one.ts + patience]
        self._give_up(late, f"no answer within {patience // 1_000_000} ms")

    def _answered(self, asked: _Asked, answer: ev.Predicted) -> None:
        number = answer.probability
        if answer.hash != asked.hash:
            self._lost(asked, "the model was changed meanwhile")
        elif number is None or not 0 <= number <= 1:  # of NaN it says no, too
            self._lost(asked, answer.problem or "the model said no number")
        else:
            self.answers_ns.append(self._turn.now - asked.ts)
            del self.answers_ns[:-ANSWERS_KEPT]
            self._form(asked, answer, "")
        self._renew_due()

    def _give_up(self, asked: Sequence[_Asked], why: str) -> None:
        for one in asked:
            self._under_way.pop(one.id, None)
            self._lost(one, why)
        self._renew_due()

    def _lost(self, asked: _Asked, why: str) -> None:
        self.missing += 1
        self._turn.counts["predictions missing"] += 1
        if asked.idea is not None:
            self._form(asked, None, why)

    def _renew_due(self) -> None:
        patience = self.config.patience_ns
        self.due = min((one.ts + patience for one in self._under_way.values()), default=NEVER)

    # --- decisions -------------------------------------------------------------------------------------

    def _form(self, asked: _Asked, answer: ev.Predicted | None, missing: str) -> None:
        """Write down what everybody has said, and let the idea go on with it."""
        turn, config, idea, card = self._turn, self.config, asked.idea, asked.card
        self._moods.settle()
        said: dict[str, float] = {}
        if idea is not None:
            said["rules"] = idea.score_tenths / 100
        probability = expected_r = None
        if answer is not None and card is not None:
            probability = answer.probability
            assert probability is not None
            expected_r = card.expected_r(probability) if answer.expected_r is None else answer.expected_r
            said["model"] = card.conviction(probability)
        mood = self._market.board.moods.reading(asked.instrument, turn.wall)
        if mood is not None:
            said["mood"] = (1 + asked.side.sign * mood.score) / 2
        failed = bool(missing) and self._told is not None and self._told.state is not PredictorState.ABSENT
        alone = failed or not said.keys() - {"rules"}
        parts, confidence = weigh(said, config)
        if idea is None or not asked.waits:
            counsel = Counsel.WATCHED
        elif alone or confidence is None:
            counsel = Counsel.ALONE
        else:
            counsel = Counsel.FOR if confidence >= config.least_confidence else Counsel.AGAINST
        opinion = Opinion(
            id=asked.id,
            counsel=counsel,
            parts=parts,
            confidence=None if counsel is Counsel.ALONE else confidence,
            least=config.least_confidence,
            model=card.name if answer is not None and card is not None else "",
            probability=probability,
            expected_r=expected_r,
            missing=missing,
        )
        turn.commit(self._record(asked, opinion, answer))
        bot = asked.bot if asked.waits else None
        if bot is not None and idea is not None and not bot.out and bot.name not in turn.state.stopped_bots:
            self._decide(bot, structs.replace(idea, opinion=opinion))

    def _record(self, asked: _Asked, opinion: Opinion, answer: ev.Predicted | None) -> r.OpinionFormed:
        turn, card = self._turn, asked.card
        record = r.OpinionFormed(
            ts=turn.now,
            opinion=opinion,
            instrument=asked.instrument,
            side=asked.side,
            closed_ts=asked.closed_ts,
            bot="" if asked.bot is None else asked.bot.name,
            score_tenths=None if asked.idea is None else asked.idea.score_tenths,
        )
        atr = 0.0 if card is None else self._features.atr(asked.instrument, card.timeframe)
        newest = self._market.bars.bars(asked.instrument, Timeframe.M1)
        if answer is None or card is None or not newest:
            return record
        stop = max(1, round(card.barriers.stop_atr * atr))
        calendar = calendar_in(self._instruments, asked.instrument)
        latest = asked.closed_ts + card.barriers.bars * card.timeframe.nanos
        return structs.replace(
            record,
            hash=answer.hash,
            samples=card.rows,
            timeframe=card.timeframe,
            contract=self._outcomes.month(asked.instrument),
            reference=newest[-1].close + asked.side.sign * SLIPPAGE_TICKS,
            stop_ticks=stop,
            target_ticks=ceil(card.barriers.target_r * stop),
            until_ts=held_until(calendar, asked.closed_ts, latest),
            answer_ns=turn.now - asked.ts,
        )

    def against(self, idea: Idea) -> list[Against]:
        """What stands against an idea of a bot because of it."""
        found, told = list[Against](), idea.opinion
        if idea.side is Side.SELL and not self.config.allow_short:
            found.append(Against(Refusal.SHORTS_OFF, f"{Refusal.SHORTS_OFF.sentence} (opinion.allow_short)"))
        if told is not None and told.counsel is Counsel.AGAINST and told.confidence is not None:
            said = ", ".join(f"{part.name} {part.value:.2f}" for part in told.parts)
            words = f"confidence {told.confidence:.2f} ({said}), at least {told.least:.2f}"
            found.append(Against(Refusal.CONFIDENCE, f"{words} (opinion.least_confidence)"))
        return found
