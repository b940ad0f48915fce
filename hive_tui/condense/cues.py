"""What kind of thing a sentence says, by the words that people and agents use for it."""

import re
from enum import StrEnum

from hive_tui.condense.tongues import pattern_of

_ANY_CASE = re.IGNORECASE


class Topic(StrEnum):
    """Kinds of sentences."""

    DEAD_END = "dead end"
    CAUSE = "cause"
    DECISION = "decision"
    NEXT = "next"
    FINDING = "finding"
    NOTE = "note"


_TOPICS: tuple[tuple[Topic, re.Pattern[str]], ...] = (
    (
        Topic.DEAD_END,
        re.compile(
            r"\b(?:tried|attempted|experimented)\b|\b(?:did|does|do|was|is|has|have|had)(?: not|n.t) (?:help"
            r"|work|fix|change"
            r"|solve|make|improve|an option|viable|feasible|enough|possible)|\bno (?:effect|luck|difference"
            r"|improvement|good|use)\b"
            r"|\b(?:revert|roll(?:ed|ing)? back|back(?:ed|ing)? out|undid|undone|abandon|gave up|giving up"
            r"|ruled out|rule out"
            r"|dead[- ]end|won.t work|can.t be used|not an option|made (?:it|things|the)\b.*\b(?:worse|slower)"
            r"|discard"
            r"|drop(?:ped|ping) (?:that|the idea)|turned out (?:not|to be)|pointless|useless|in vain"
            r"|to no avail|still (?:stall|fail|hang"
            r"|break|broken|leak|crash|race|flak)|regress|blew up|deadlock(?:s|ed)|unusable|backfired|didn.t"
            r"|failed because"
            r"|fails because|not going to work|wrong (?:track|path|turn)|back to the (?:old|previous|first)"
            r"|put (?:it|that|them) back|tak(?:ing|en) (?:it|that) (?:back )?out|took (?:it|that) (?:back )?out"
            r"|scrapp(?:ed|ing)|ditch(?:ed|ing)|bought (?:us|me) nothing|gained nothing|no gain|for nothing"
            r"|went nowhere|leads nowhere|(?:didn.t|doesn.t|did not|does not) (?:pan out|pay off|scale|hold|cut it)"
            r"|(?:the )?(?:very )?same (?:hang|error|stall|crash|failure|problem|result|deadlock|leak|race|timeout)"
            r"|(?:just )?as (?:slow|bad|broken) as|tops out|falls over|worse than|non-?starter|no-go"
            r"|too (?:slow|fragile)|not worth|not (?:an? )?(?:option|fit)|waste of|hopeless)",
            _ANY_CASE,
        ),
    ),
    (
        Topic.CAUSE,
        re.compile(
            r"\broot cause\b|\bthe (?:real |actual |underlying )?(?:bug|problem|issue|culprit|reason|fault"
            r"|failure|cause|leak|race|hang"
            r"|crash|trigger)\b.{0,40}\b(?:is|was|lies|comes|sits|turned)\b|\b(?:caused|triggered"
            r"|provoked) by\b|\bcomes (?:down to|from)\b"
            r"|\bstems from\b|\bhappens (?:when|because|since)\b|\bthat explains\b|\bexplains (?:why|the)\b"
            r"|\bboils down\b"
            r"|\bculprit\b|\bturns out\b|\bfound (?:it|the bug|the cause|out)\b|\bdue to\b|\bwhy it\b"
            r"|\bresponsible for\b|\bto blame\b|\bmystery solved\b|\b(?:which|that|this) is (?:why|how|what)\b"
            r"|\bhere is what happens\b|\bwhat happens is\b|\bsmoking gun\b|\bgot it\b"
            r"|\btracked (?:it|this) down\b",
            _ANY_CASE,
        ),
    ),
    (
        Topic.DECISION,
        re.compile(
            r"\bdeci(?:ded|de|sion)\b|\bgo(?:ing|es)? (?:with|for|ahead with|forward)\b|\bopt(?:ed|ing)? (?:for"
            r"|to)\b|\bchos(?:e|en)\b|\bchoos"
            r"|\bsettle[ds]? (?:on|for)\b|\binstead(?: of)?\b|\brather than\b|\bfrom (?:now|here) on\b"
            r"|\bgoing forward\b|\bstick(?:ing)? (?:with|to)\b"
            r"|\bswitch(?:ed|ing)? (?:to|from|over)\b|\b(?:we|i)(?:.ll| will| shall) (?:use|keep|make|store|put"
            r"|go|name|call|treat|leave|version"
            r"|split|move|add|cap|limit|set|take|rely|build|have)\b|\bprefer(?:red|ring)?\b|\bagreed\b"
            r"|\bconvention\b|\bthe plan is\b"
            r"|\bmy (?:choice|pick|preference|recommendation)\b|\bdesign\b.{0,20}:|\bpick(?:ed|ing)?\b"
            r"|\bin favou?r of\b|\bwill be\b|\bshall\b"
            r"|\bkeep(?:ing)?\b.*\bbecause\b|\bso that\b|\btrade-?off\b|\breplac(?:e|ed|ing)\b.*\b(?:with|by)\b"
            r"|\bpinned? to\b|\bdefault(?:s)? to\b|\bmy (?:take|vote|call)\b|\bwins (?:over|out)\b"
            r"|\blet.s (?:make|use|keep|go|have|treat|store|put|stay)\b|\bsource of truth\b|\bi take\b"
            r"|\bwe take\b|\bweighing\b|\bverdict\b",
            _ANY_CASE,
        ),
    ),
    (
        Topic.NEXT,
        re.compile(
            r"\bnext (?:step|up|is|i|thing|session)?\b|\bremain(?:s|ing|der)?\b|\bstill (?:to do|open|need"
            r"|have to|missing|red|left|todo|outstanding)\b"
            r"|\b(?:is|are) left\b|\btodo\b|\bnot (?:done|finished|started|yet)\b|\boutstanding\b"
            r"|\bfollow[- ]up\b|\bafter that\b|\bleft to\b"
            r"|\bthe (?:other|rest)\b|\blater\b|\bpending\b|\bto be (?:done|migrated|fixed|checked)\b"
            r"|\bresume\b|\bpick up\b|\bstopping here\b",
            _ANY_CASE,
        ),
    ),
    (
        Topic.FINDING,
        re.compile(
            r"\b(?:is|are|was|were|sets?|equals?|returns?|takes?|took|uses?|needs?|requires?|expects?|reads?"
            r"|holds?|limit(?:s|ed)?|measured?"
            r"|baseline|default|version|median|p\d\d|average|mean|peak|throughput|latency)\b.{0,60}\d|=\s*\S"
            r"|\b\d+(?:\.\d+)?\s?(?:ms|s|min|h|MB"
            r"|GB|KB|kB|MiB|GiB|%|x|req|rows|fps|rps|qps)\b|\b(?:depends on|is defined in|lives in|is in"
            r"|comes with|only works|relies on)\b",
            _ANY_CASE,
        ),
    ),
)
_ELSEWHERE = tuple(
    (topic, pattern_of(str(topic))) for topic in (Topic.DEAD_END, Topic.CAUSE, Topic.DECISION, Topic.NEXT)
)
_RULE_ELSEWHERE = pattern_of("rule")
WEIGHT = {
    Topic.DEAD_END: 1.6,
    Topic.CAUSE: 1.6,
    Topic.DECISION: 1.5,
    Topic.NEXT: 0.9,
    Topic.FINDING: 0.9,
    Topic.NOTE: 0.0,
}
FILLER = re.compile(
    r"(?:(?:ok|okay|good|great|nice|perfect|alright|right|now|first|next|then|so|excellent"
    r"|sure)[,.!]?\s+)*(?:let me|let's|i.ll|i will"
    r"|i am going to|i.m going to|i need to|i want to|i can|looking|checking|running|reading|searching|opening"
    r"|time to|we can|we should)\s+"
    r"(?:now |also |just |first |quickly |then )*(?:look|check|run|re-?run|read|see|search|open|start|verify"
    r"|continue|view|find|examine"
    r"|inspect|explore|take a look|at|the|for|through|test|make sure|confirm|try|do|get|understand|fix|update"
    r"|edit|write|add|implement|call|use|invoke"
    r"|create|commit|proceed|move)\b",
    _ANY_CASE,
)
RULE = re.compile(
    r"\b(?:never|always|must|mustn.t|don.t|do not|does not|only|keep|avoid|please|should|shouldn.t|make sure"
    r"|ensure|without|at most|at least"
    r"|no (?:more|new|newer|longer)|not\b|stay|prefer|use|require[ds]?|forbidden|off[- ]limits|hands off|leave"
    r"|ask (?:me )?(?:before|first)"
    r"|remember|from now on|stick to|has to|have to|needs? to|may not|cannot|can.t|rule|policy|convention"
    r"|under no circumstances|important"
    r"|limit|budget|deadline|instead|approved|allowed|freeze|frozen|want|expect)\b",
    _ANY_CASE,
)
CHANGE = re.compile(
    r"\b(?:actually|forget|scratch that|change of plan|changed my mind|on second thought|instead of|rather than"
    r"|no longer|not .{1,40} but|drop"
    r"|switch(?:ed|ing)? (?:from|to)|replace|supersede|overrule|never ?mind|ignore (?:what|my)|correction"
    r"|i was wrong|hold on|wait[,.:]|let.s not"
    r"|rename|was wrong|in place of|revised|new plan|strike that|undo|retract|cancel|anymore|any more)\b",
    _ANY_CASE,
)


ORDINARY = re.compile(
    r"\b(?:nothing (?:odd|unusual|surprising|special|new|else)|as (?:i )?expect(?:ed)?|what i expect(?:ed)?|looks?"
    r" (?:fine|good|ok|okay|right|reasonable|sane|clean)|(?:is|are) (?:fine|alike|ok|okay)|, (?:which is )?fine"
    r"|no surprises?|thin (?:shim|wrapper)|not needed here|straightforward|self-explanatory|differ in naming only"
    r"|as usual)\b",
    _ANY_CASE,
)


def is_ordinary(sentence: str) -> bool:
    """Whether a sentence says that there is nothing to say."""
    return ORDINARY.search(sentence) is not None


def topic_of(sentence: str) -> Topic:
    """The first topic whose words the sentence has, in English or another language."""
    found = next((topic for topic, pattern in _TOPICS if pattern.search(sentence)), Topic.NOTE)
    if found in (Topic.NOTE, Topic.FINDING, Topic.NEXT):
        return next((topic for topic, pattern in _ELSEWHERE if pattern.search(sentence)), found)
    return found


def is_rule(message: str) -> bool:
    """Whether a message of a user asks for something that lasts, in English or another language."""
    return RULE.search(message) is not None or _RULE_ELSEWHERE.search(message) is not None


def is_filler(sentence: str) -> bool:
    """Whether an agent only announces what it does next, which its calls show anyway."""
    return len(sentence) < 160 and FILLER.match(sentence) is not None
