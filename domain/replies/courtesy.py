"""Whom to leave alone, read from what they wrote: those who ask for it, those in trouble, and languages not ours.

Small exact rules. They err on the side of silence: a reply that was not written costs nothing.
"""

import re

# Said to whoever automates: in a post, or in what an account says of itself.
LEAVE_ALONE = (
    r"no (?:more )?(?:ro)?bots?",
    r"bots? (?:will be |get )?blocked",
    r"no (?:automated|automatic|ai|unsolicited) (?:repl(?:y|ies)|comments?|answers?|messages?)",
    r"(?:do not|don't|please stop|stop) (?:reply|replying|answer|answering|contact|contacting|messag\w+)",
    r"leave me alone",
    r"(?:opt|opting) (?:me )?out",
    r"unsubscribe",
    r"no reply guys?",
)
# Grief, crisis, politics: nothing that software should have a cheerful thought about.
TOUCHY = (
    r"died|dies|dying|death|dead|funeral|passed away|grief|grieving|mourn\w*|widow\w*|miscarriage|rip",
    r"suicid\w*|self[- ]harm\w*|kill(?:ed|ing)? (?:my|him|her|them)\w*|overdose\w*|abus\w+|assault\w*|rape\w*",
    r"cancer|tumou?r|chemo\w*|diagnos\w+|hospital\w*|icu|emergency room|anorexi\w*|bulimi\w*|eating disorder",
    r"laid off|lost my (?:job|home|house)|evict\w+|divorc\w+|bankrupt\w*",
    r"election\w*|president|senat\w+|congress|parliament|politic\w*|vot(?:e|ed|er|ers|ing)|war|invasion|bomb\w*|shooting",
    r"immigra\w+|abortion\w*|racis\w+|genocide",
)
# Short words that English cannot do without and its neighbours hardly have.
_SHORT = """
the and of to is you your with for my it its this that what which when how not are was were have has had one
or before after be been but can could do does did from if into just like more most no nobody never off our out
over so some than their them then there they too up us we who why will would about all always any because by
every i'm it's don't i
"""
ENGLISH = frozenset(_SHORT.split())
ENGLISH_SHARE = 0.12  # of the words of a text
LATIN_SHARE = 0.9  # of its letters

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # Where a word begins is looked for once for all: asked by each pattern it is most of the work.
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)")


_LEAVE_ALONE, _TOUCHY = _any_of(LEAVE_ALONE), _any_of(TOUCHY)


def wants_no_replies(text: str) -> bool:
    """Whether a text asks automated accounts to keep away."""
    return _LEAVE_ALONE.search(_plain(text)) is not None


def is_touchy(text: str) -> bool:
    """Whether a text is about what a drafted reply must keep out of."""
    return _TOUCHY.search(_plain(text)) is not None


def is_english(text: str) -> bool:
    """Whether a text reads as English: by its letters, and by the share of short English words."""
    words = _WORD.findall(_plain(text))
    if not words:
        return False
    letters = [char for char in text if char.isalpha()] if not text.isascii() else []  # which are all Latin
    latin = sum(char < "\u0250" for char in letters) / len(letters) if letters else 1.0
    return latin >= LATIN_SHARE and sum(word in ENGLISH for word in words) / len(words) >= ENGLISH_SHARE


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())
