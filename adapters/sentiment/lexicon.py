"""What words of markets mean to whoever holds something: for VADER, whose own words are those of chats.

Valences are VADER's, -4 to 4. Words that only sound good or bad ("share", "interest", "crude", "short" as a
length) are put to nothing.
"""

from __future__ import annotations

import re

RISE = """
rally 2.4 rallies 2.4 rallied 2.4 rallying 2.4 surge 2.6 surges 2.6 surged 2.6 surging 2.6 soar 2.8
soars 2.8 soared 2.8 soaring 2.8 jump 2.0 jumps 2.0 jumped 2.0 jumping 2.0 climb 1.8 climbs 1.8 climbed 1.8
climbing 1.8 rise 1.6 rises 1.6 rose 1.6 rising 1.4 gain 1.8 gains 1.8 gained 1.8 rebound 1.9 rebounds 1.9
rebounded 1.9 recover 1.7 recovers 1.7 recovered 1.7 recovery 1.7 bounce 1.3 bounces 1.3 bounced 1.3
breakout 2.0 bull 1.8 bulls 1.8 bullish 2.6 uptrend 2.0 outperform 2.0 outperforms 2.0 outperformed 2.0
upgrade 2.0 upgrades 2.0 upgraded 2.0 beat 1.8 beats 2.0 tops 1.6 topped 1.4 exceeds 1.6 exceeded 1.6
record 1.2 records 1.0 highs 1.4 inflow 1.7 inflows 1.7 accumulate 1.4 accumulates 1.4 accumulating 1.4
accumulation 1.4 buyback 1.6 buybacks 1.6 dividend 0.8 adoption 1.5 adopts 1.3 approve 1.8 approves 1.8
approved 1.8 approval 1.8 partnership 1.4 partners 0.9 expansion 1.2 expands 1.3 expanded 1.2 accelerate 1.2
accelerates 1.2 accelerated 1.2 dovish 1.6 stimulus 1.4 easing 1.2 eases 1.0 cools 1.0 cooled 1.0
cooling 0.8 resilient 1.7 resilience 1.5 upbeat 1.9 moon 1.8 mooning 2.2 hodl 1.2 ath 2.0 undervalued 1.5
oversold 0.8 squeeze 0.6 profitable 1.8 profits 1.4 upside 1.6 tailwind 1.5 tailwinds 1.5 spike 0.6
skyrocket 2.8 skyrockets 2.8 skyrocketed 2.8 boom 2.0 booming 2.2 leap 2.2 leaps 2.2 leapt 2.2 doubles 1.3
doubled 1.3 triples 1.5 tripled 1.5 rips 1.6 ripping 1.8 advances 1.5 advanced 1.2 firmer 1.2
strengthens 1.4 reclaims 1.5 reclaimed 1.5 scrapped 0.4 loosened 0.8 adds 0.9 added 0.6 lifts 1.5 lifted 1.3
boosts 1.8 boosted 1.7 raises 0.9 raised 0.8 truce 1.8 ceasefire 1.6
"""
FALL = """
plunge -2.8 plunges -2.8 plunged -2.8 plunging -2.8 plummet -2.9 plummets -2.9 plummeted -2.9 tumble -2.4
tumbles -2.4 tumbled -2.4 tumbling -2.4 slump -2.3 slumps -2.3 slumped -2.3 slide -1.8 slides -1.8 slid -1.8
sliding -1.8 sink -2.0 sinks -2.0 sank -2.0 sinking -2.0 drop -1.7 drops -1.7 dropped -1.7 dropping -1.7
fall -1.6 falls -1.6 fell -1.6 falling -1.6 decline -1.6 declines -1.6 declined -1.6 declining -1.6 dip -0.9
dips -0.9 dipped -0.9 lose -1.7 loses -1.7 lost -1.6 losses -1.9 crash -3.2 crashes -3.2 crashed -3.2
crashing -3.2 selloff -2.5 liquidation -2.2 liquidations -2.2 liquidated -2.3 capitulation -2.4
capitulate -2.2 rout -2.6 correction -1.4 bear -1.6 bears -1.6 bearish -2.6 downtrend -2.0 underperform -1.8
underperforms -1.8 underperformed -1.8 downgrade -2.1 downgrades -2.1 downgraded -2.1 miss -1.5 misses -1.9
missed -1.6 lows -1.4 outflow -1.7 outflows -1.7 dump -2.2 dumps -2.2 dumped -2.2 dumping -2.2 hack -2.8
hacked -2.9 hackers -2.5 exploit -2.4 exploited -2.5 drained -2.4 scam -3.0 rugpull -3.4 ponzi -3.0
fraud -3.0 lawsuit -2.0 sues -2.1 sued -2.1 charges -1.4 charged -1.4 indicted -2.6 probe -1.6
investigation -1.7 subpoena -1.9 ban -2.0 bans -2.0 banned -2.0 crackdown -2.2 sanctions -1.7 tariff -1.5
tariffs -1.5 default -2.4 defaults -2.4 bankruptcy -3.2 bankrupt -3.2 insolvent -3.0 insolvency -3.0
layoffs -1.8 recession -2.5 stagflation -2.5 inflationary -1.3 hawkish -1.6 tightening -1.2 hike -1.1
hikes -1.2 hotter -0.9 weaker -1.4 weakens -1.5 weakened -1.5 weakness -1.6 slows -1.3 slowed -1.2
slowdown -1.8 slowing -1.2 shrinks -1.5 shrank -1.5 contraction -1.7 contracts -0.4 warns -1.6 warned -1.5
warning -1.6 fears -1.7 worries -1.5 jitters -1.5 uncertainty -1.4 headwind -1.5 headwinds -1.5
overvalued -1.4 overbought -0.8 bubble -1.6 delist -2.2 delists -2.2 delisted -2.2 delisting -2.2 halts -1.5
halted -1.5 suspends -1.8 suspended -1.8 outage -1.8 recall -1.6 rejects -1.7 rejected -1.7 delays -1.2
delayed -1.2 cuts -1.0 slashes -1.8 slashed -1.8 rekt -2.6 fud -1.8 rug -2.4 turmoil -2.3 panic -2.7
contagion -2.5 unwinding -1.2 drags -1.4 dragged -1.4 wipes -1.8 wiped -1.9 shutdown -1.6 strike -1.2
war -2.2 escalates -1.9 escalation -1.9 attack -2.2 attacks -2.2 shortage -1.4 glut -1.4 pressured -1.3
dive -2.0 dives -2.0 dived -2.0 nosedives -2.6 stalls -1.4 stalled -1.4 erodes -1.6 eroded -1.6 hammers -2.0
hammered -2.2 punishes -1.8 battered -2.2 sheds -1.6 shed -1.2 craters -2.6 cratered -2.6 tanks -2.4
tanked -2.4 collapse -2.6 collapses -2.7 collapsed -2.7 tightened -0.9 dwindles -1.5 lags -1.3 retreats -1.4
retreat -1.4 retreated -1.4 softens -0.9 disappoints -2.0 disappointing -2.0 subdued -0.8
"""
NOTHING = """
holiday worth block
share shares shared interest crude oil futures stock stocks bond bonds trust gross short shorts long vice
natural energy opening party security securities treasury treasuries growth like well united commission
credit lower benchmark number play playing yield yields asset assets certain certainly leading fed reserve
gold
"""

PHRASES: tuple[tuple[str, float], ...] = (
    (r"all[- ]time highs?", 2.6),
    (r"record highs?", 2.4),
    (r"record lows?", -2.4),
    (r"(?:rate|rates) cuts?|cuts? (?:interest |key |policy )?rates?", 1.6),
    (r"(?:rate|rates) (?:hikes?|rises?)|(?:hikes?|raises?) (?:interest |key |policy )?rates?", -1.6),
    (r"rate cut hopes? fade|fewer rate cuts?|no rate cuts?", -1.9),
    (r"beats? (?:estimates|expectations|forecasts)|above (?:estimates|expectations|forecasts)", 2.2),
    (r"miss(?:es|ed)? (?:estimates|expectations|forecasts)|below (?:estimates|expectations|forecasts)", -2.2),
    (r"(?:raises?|raised|lifts?|lifted) (?:its |full[- ]year )*(?:guidance|outlook|forecast)", 2.2),
    (r"(?:cuts?|lowers?|lowered|slash(?:es|ed)?) (?:its |full[- ]year )*(?:guidance|outlook|forecast)", -2.3),
    (r"(?:cuts?|slash(?:es|ed)?) (?:its )?(?:jobs|dividend|workforce)", -1.9),
    (r"jobless claims (?:fall|fell|drop|dropped)", 1.4),
    (r"jobless claims (?:rise|rose|jump|jumped|climb|climbed)", -1.4),
    (r"unemployment (?:falls?|fell|drops?|dropped)", 1.4),
    (r"unemployment (?:rises?|rose|jumps?|jumped|climbs?|climbed)", -1.6),
    (r"inflation (?:cools?|cooled|slows?|slowed|eases?|eased|falls?|fell)", 1.7),
    (r"inflation (?:rises?|rose|accelerates?|accelerated|jumps?|jumped|heats up)", -1.8),
    (r"(?:volatility|vix) (?:spikes?|spiked|jumps?|jumped|surges?|surged)", -2.0),
    (r"(?:recession|inflation|default|tariff) (?:fears?|worries|concerns) (?:ease|eased|fade|faded)", 1.9),
    (r"losses (?:narrow|narrowed)", 1.4),
    (r"(?:breaks?|broke) out", 1.9),
    (r"(?:breaks?|broke) (?:down|support)", -1.9),
    (r"tops? (?:estimates|expectations|forecasts)", 2.2),
    (r"(?:loan |credit )?defaults (?:decline|declined|fall|fell)", 1.4),
    (r"on a high note", 1.6),
    (r"(?:easing|eases?|eased) (?:recession|inflation|tariff|default) (?:fears?|worries|concerns)", 1.9),
    (r"short squeeze", 1.6),
    (r"sell[- ]off", -2.5),
    (r"death cross", -2.0),
    (r"golden cross", 2.0),
    (r"dead cat bounce", -1.4),
    (r"rug ?pull(?:s|ed)?", -3.2),
    (r"bottom(?:s|ed)? out", 1.2),
    (r"wip(?:es|ed) out", -2.2),
    (r"bear market", -2.2),
    (r"bull market", 2.2),
    (r"buy(?:ing)? the dip", 1.6),
    (r"safe[- ]haven", 0.2),
)
"""Regular expressions of lower-case texts: each match becomes one word of its own."""

_STARTS = re.compile("|".join(f"(?P<p{i}>(?<!\\w)(?:{text})(?!\\w))" for i, (text, _) in enumerate(PHRASES)))


def valences() -> dict[str, float]:
    """Words and phrases, as VADER's table has them."""
    found = dict.fromkeys(NOTHING.split(), 0.0)
    for table in (RISE, FALL):
        words = table.split()
        found |= {word: float(value) for word, value in zip(words[::2], words[1::2], strict=True)}
    return found | {f"phrase{i}": value for i, (_, value) in enumerate(PHRASES)}


def phrased(text: str) -> str:
    """A text with each phrase in it as one word."""
    return _STARTS.sub(lambda match: f"phrase{(match.lastgroup or 'p')[1:]}", text.casefold())
