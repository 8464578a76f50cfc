"""How the audience reads a post: its topic, format and tone, told from the text alone.

The audience is not told which arm Roost played, just as a real one is not. It has this one table, which is its own:
Roost's rules must not import it, or they would know what they are there to learn. Only the *names* of topics,
formats and tones are a convention that both sides share.

| feature | value | read from |
| --- | --- | --- |
| topic | sleep, nutrition, movement, focus, stress, habits | the most words of the topic's list; none: "other" |
| format | list | two or more lines that begin with a bullet or a number |
| | question | a question mark |
| | story | a first-person past ("I used to", "last year", "my first" …) |
| | fact | a digit, a per cent sign, or a study |
| | tip | anything else |
| tone | warm, bold, curious | the most cues of the tone's list ("!" is bold, "…" and "?" are curious) |
| | plain | no cue at all |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

TOPICS = ("sleep", "nutrition", "movement", "focus", "stress", "habits")
FORMATS = ("tip", "question", "list", "story", "fact")
TONES = ("plain", "warm", "bold", "curious")
OTHER = "other"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOPIC_WORDS: Mapping[str, frozenset[str]] = {
    "sleep": _words("""
        sleep sleeping asleep slept bed bedtime bedroom night nights nap naps rest rested wake waking tired
        insomnia melatonin pillow dream dreams circadian
    """),
    "nutrition": _words("""
        nutrition food foods eat eating ate meal meals protein fibre fiber sugar vegetable vegetables fruit
        breakfast snack snacks calories vitamin vitamins diet hydration water hungry plate plates
    """),
    "movement": _words("""
        movement move moving walk walks walking run running exercise workout workouts training strength
        stretch stretching steps muscle muscles gym squat squats cardio posture mobility sit sitting stairs
        exercises
    """),
    "focus": _words("""
        focus focused attention distraction distractions concentrate concentration deep work notifications
        phone multitasking screen inbox task tasks productive desk distract distracted
        distracting
    """),
    "stress": _words("""
        stress stressed stressful calm anxiety anxious breathe breathing breath breaths cortisol relax worry
        worries overwhelmed tension burnout meditation mindfulness exhale exhaling unwind overwhelm tense
    """),
    "habits": _words("""
        habit habits routine routines streak streaks cue cues consistency consistent daily discipline ritual
        rituals willpower repeat goals tiny
    """),
}

TONE_CUES: Mapping[str, tuple[str, ...]] = {
    "warm": (
        "you've got this",
        "gentle",
        "kind",
        "together",
        "proud",
        "we all",
        "be easy",
        "♥",
        "❤",
        "thank",
        "friend",
    ),
    "bold": ("!", "stop ", "never ", "most people", "truth", "wrong", "always ", "myth", "no excuses", "hard truth"),
    "curious": (
        "wonder",
        "what if",
        "curious",
        "ever notice",
        "turns out",
        "surpris",
        "strange",
        "how come",
        "…",
        "why ",
    ),
}

_ITEM = re.compile(r"^\s*(?:[-*•–→✓]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_STORY = re.compile(
    r"\b(?:i used to|last (?:year|month|week|night|winter|summer)|years ago|when i |my first|i tried|i was|i started|"
    r"one (?:morning|day|night|evening)|a friend of mine|i once|at first|in the end|a (?:week|month|year) later|"
    r"(?:day|week|night|month) (?:one|two|three|four|\d+))\b",
    re.IGNORECASE,
)
_FACT = re.compile(r"\d|%|\bper ?cent\b|\bstud(?:y|ies)\b|\bresearch(?:ers)?\b|\bevidence\b|\btrial\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader takes a post for. `hashtags` and `length` (characters) are the rest of its shape."""

    topic: str
    format: str
    tone: str
    hashtags: int = 0
    length: int = 120


@lru_cache(maxsize=20_000)  # every search and every look at counts reads the same posts again
def read(text: str) -> Reading:
    """What the audience takes `text` for, by the table above."""
    return Reading(
        topic=_topic(text),
        format=_format(text),
        tone=_tone(text),
        hashtags=len(re.findall(r"(?<!\w)#\w", text)),
        length=len(text),
    )


def _topic(text: str) -> str:
    words = _WORD.findall(text.lower())
    hits = {topic: sum(word in known for word in words) for topic, known in TOPIC_WORDS.items()}
    best = max(TOPICS, key=lambda topic: hits[topic])
    return best if hits[best] else OTHER


def _format(text: str) -> str:
    if len(_ITEM.findall(text)) >= 2:
        return "list"
    if "?" in text:
        return "question"
    if _STORY.search(text):
        return "story"
    return "fact" if _FACT.search(text) else "tip"


def _tone(text: str) -> str:
    low = text.lower() + " "
    hits = {tone: sum(low.count(cue) for cue in cues) for tone, cues in TONE_CUES.items()}
    best = max(TONE_CUES, key=lambda tone: hits[tone])
    return best if hits[best] else "plain"
