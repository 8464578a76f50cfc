"""What a text must pass before it is queued, whoever wrote it: the model is not trusted, nor what it has read.

These are rules of the house, small and exact. They do not replace a moderation service; they hold where there is
none.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from domain.content.links import links
from domain.content.weight import MOST, weight
from domain.publishing.uniqueness import normalized, text_hash

LEAST_WORDS = 3
MOST_HASHTAGS = 2
SHINGLE = 3
NEAR = 0.6  # of the shingles of two texts in common

# Promises about health or success that nobody could keep, and advice that is not ours to give.
CLAIMS = (
    r"cures?|curing|cured",
    r"guarante\w+",
    r"miracle\w*",
    r"(?:clinically|scientifically|medically) proven",
    r"proven to",
    r"100 ?% (?:safe|effective|natural)",
    r"no side effects",
    r"detox\w*",
    r"boosts? (?:your )?(?:immunity|immune system|testosterone|metabolism)",
    r"(?:treats?|prevents?|reverses?|heals?) (?:\w+ ){0,2}(?:cancer|diabetes|depression|anxiety|adhd|insomnia|"
    r"dementia|alzheimer'?s|disease|infections?|hypertension)",
    r"(?:replaces?|instead of|don'?t need|skip|stop taking) (?:\w+ ){0,2}(?:medications?|medicine|meds|therapy|"
    r"doctors?)",
    r"lose \d+ ?(?:kg|kilos?|lbs?|pounds)",
    r"burns? (?:belly )?fat",
    r"get rich|double your (?:money|income)|passive income",
    r"doctors (?:hate|don'?t want)",
    r"instantly|overnight results?",
)
PROFANITY = (
    r"f+u+c+k\w*",
    r"sh[i1]t\w*",
    r"bitch\w*",
    r"assholes?",
    r"bastards?",
    r"cunts?",
    r"whores?",
    r"sluts?",
    r"retard(?:ed|s)?",
    r"fagg?ots?",
    r"nigg\w+",
)
# What shows that a model answered about its task instead of doing it, or repeated its instructions.
LEAKS = (
    r"as an ai",
    r"(?:large )?language model",
    r"i(?:'m| am) (?:sorry|unable|an ai)",
    r"i can(?:'t|not) (?:help|assist|comply)",
    r"system prompt",
    r"(?:ignore|disregard) (?:all |any )?(?:the )?(?:previous|prior|above) (?:instructions|prompts?)",
    r"here(?:'s| is| are) (?:a |the |your )?(?:tweets?|posts?|drafts?)",
    r"<<<|>>>|</?(?:data|system|user|assistant)>",
    r"\[(?:insert|your|topic|link)[^\]]*\]|\{\w+\}",
    r"```",
    r"\"(?:text|posts|topic)\"\s*:",
)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w)(?:{pattern})(?!\w)" for pattern in patterns))


_CLAIM, _PROFANE, _LEAK = _any_of(CLAIMS), _any_of(PROFANITY), re.compile("|".join(f"(?:{leak})" for leak in LEAKS))
_WORD = re.compile(r"\w+")
_HASHTAG = re.compile(r"(?<!\w)#\w+")
_MENTION = re.compile(r"(?<!\w)@\w+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Recent:
    """What was published or queued lately. hashes: as `uniqueness.text_hash`; texts: for what is nearly the same."""

    hashes: Collection[str] = ()
    texts: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason to reject. code: one of a small fixed set, fit for a metric's label."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """It may be queued. hash: as `uniqueness.text_hash`."""

    hash: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """It may not, for every one of these reasons."""

    reasons: tuple[Fault, ...]


def check(text: str, recent: Recent, *, mentions: Collection[str] = ()) -> Accepted | Rejected:
    """Whether a text may be queued. mentions: the handles (without @) it may mention, such as of whom it answers."""
    faults = [*_shape(text), *_extras(text, mentions), *_words(text), *_sameness(text, recent)]
    return Rejected(tuple(faults)) if faults else Accepted(text_hash(text))


def similarity(one: str, other: str) -> float:
    """How much of two texts is the same, 0 to 1: the Jaccard index of their word triples (Broder, 1997)."""
    ours, theirs = _shingles(one), _shingles(other)
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0


def _shape(text: str) -> list[Fault]:
    faults = []
    words, size = len(_WORD.findall(text)), weight(text)
    if words < LEAST_WORDS:
        faults.append(Fault("empty", f"{words} words; a post has at least {LEAST_WORDS}"))
    if size > MOST:
        faults.append(Fault("too_long", f"it weighs {size} characters of at most {MOST}"))
    if _CONTROL.search(text):
        faults.append(Fault("control", "it holds control or text-direction characters, or half of one"))
    return faults


def _extras(text: str, mentions: Collection[str]) -> list[Fault]:
    faults = []
    if found := links(text):
        faults.append(Fault("link", f"the site reads {len(found)} link(s) in it, {found[0]!r}; Roost posts none"))
    if (tags := len(_HASHTAG.findall(text))) > MOST_HASHTAGS:
        faults.append(Fault("hashtags", f"{tags} hashtags; at most {MOST_HASHTAGS}"))
    allowed = {handle.casefold() for handle in mentions}
    strangers = [name for name in _MENTION.findall(text) if name[1:].casefold() not in allowed]
    if strangers:
        faults.append(Fault("mention", f"it mentions {len(strangers)} account(s) it has no reason to"))
    return faults


def _words(text: str) -> list[Fault]:
    folded = normalized(text).replace("’", "'")
    faults = []
    if found := _CLAIM.search(folded):
        faults.append(Fault("claim", f"unsupported claim: {found.group()!r}"))
    if _PROFANE.search(folded):
        faults.append(Fault("profanity", "profanity"))
    if found := _LEAK.search(folded):
        faults.append(Fault("leak", f"it speaks about its task or repeats instructions: {found.group()!r}"))
    return faults


def _sameness(text: str, recent: Recent) -> list[Fault]:
    if text_hash(text) in recent.hashes:
        return [Fault("duplicate", "the same text was published or queued in the last 30 days")]
    nearest = max((similarity(text, other) for other in recent.texts), default=0.0)
    if nearest >= NEAR:
        return [Fault("near_duplicate", f"{nearest:.0%} of it is the same as a recent post")]
    return []


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(normalized(text))
    size = min(SHINGLE, len(words))
    return frozenset(tuple(words[at : at + size]) for at in range(len(words) - size + 1)) if words else frozenset()
