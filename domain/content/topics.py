"""What a post can be about and how it can be said, and how to read both from a text again.

The same reading serves templates (do they say what they should?), peers' posts (what works for them?) and search
results (are they about us?). It goes by keywords and shape, as readers who skim do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.calendar import DAY, HOUR

TOPICS = ("sleep", "nutrition", "movement", "focus", "stress", "habits")
FORMATS = ("tip", "question", "list", "story", "fact")
TONES = ("plain", "warm", "bold", "curious")
HOURS_A_BUCKET = 4
BUCKETS = 24 // HOURS_A_BUCKET

# Stems: a word that begins with one counts.
TOPIC_WORDS: Mapping[str, tuple[str, ...]] = {
    "sleep": ("sleep", "bed", "night", "nap", "pillow", "wake", "insomnia", "asleep"),
    "nutrition": ("nutrition", "food", "meal", "eat", "protein", "vegetable", "breakfast", "fibre", "plate", "snack"),
    "movement": (
        "movement",
        "walk",
        "stretch",
        "exercise",
        "workout",
        "squat",
        "stairs",
        "steps",
        "muscle",
        "mobility",
    ),
    "focus": ("focus", "attention", "distract", "concentrat", "notification", "deep work", "inbox", "single-task"),
    "stress": ("stress", "calm", "breath", "exhale", "tension", "anxious", "overwhelm", "unwind"),
    "habits": ("habit", "routine", "streak", "cue", "ritual", "consisten"),
}
# Plain is what has none of these.
TONE_WORDS: Mapping[str, tuple[str, ...]] = {
    "warm": ("friend", "gentle", "gently", "kind", "be easy on yourself", "together", "you've got this"),
    "bold": ("stop", "bold", "never", "no excuses", "non-negotiable", "hard truth", "!"),
    "curious": ("curious", "wonder", "what if", "turns out", "experiment", "strange"),
}

_ITEM = re.compile(r"^\s*(?:[-•*·]|\d+[.)])\s+\S", re.MULTILINE)
_STORY = re.compile(
    r"\b(?:(?:day|week|night|month) (?:one|two|three|four|\d+)|at first|"
    r"one (?:morning|day|night|evening)|i used to|last (?:week|month|year)|a (?:week|month|year) later|in the end)\b",
    re.IGNORECASE,
)
_FACT = re.compile(r"\d|%|\b(?:fact|worth knowing|stud(?:y|ies)|research|evidence)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text is about (None where nothing tells) and how it says it."""

    topic: str | None
    format: str
    tone: str


def read(text: str) -> Reading:
    """The reading of a text. A tie goes to the one named first above."""
    return Reading(_best(text, TOPIC_WORDS), format_of(text), _best(text, TONE_WORDS) or "plain")


def format_of(text: str) -> str:
    """The format by shape: items of a list, else a question, else the turns of a story, else the mark of a fact."""
    if len(_ITEM.findall(text)) >= 2:
        return "list"
    if "?" in text:
        return "question"
    if _STORY.search(text):
        return "story"
    return "fact" if _FACT.search(text) else "tip"


def fit(text: str, topic: str) -> float:
    """How much of what a text says about any topic it says about this one: 0 to 1, 0 where it is about none."""
    counts = {name: _count(text, words) for name, words in TOPIC_WORDS.items()}
    total = sum(counts.values())
    return counts[topic] / total if total else 0.0


def bucket_of(at: float) -> int:
    """The bucket of the day (0 to 5, of 4 hours each, UTC) in which a calendar time lies."""
    return int(at % DAY // (HOURS_A_BUCKET * HOUR))


def _best(text: str, words: Mapping[str, Sequence[str]]) -> str | None:
    counts = {name: _count(text, stems) for name, stems in words.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


def _count(text: str, stems: Sequence[str]) -> int:
    lowered = text.casefold()
    return sum(
        len(re.findall(rf"\b{re.escape(stem)}" if stem[0].isalpha() else re.escape(stem), lowered))
        for stem in stems
        if stem in lowered  # most are not, and this says so at a tenth of the cost
    )
