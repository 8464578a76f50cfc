"""How a reply can be said, and replies without a model: composed from a style's words and a topic's parts."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from domain.content import checks
from domain.content.phrases_body import BODY
from domain.content.phrases_mind import MIND

Part = Literal["action", "reason", "question"]

PARTS = {**BODY, **MIND}
TRIES = 60


@dataclass(frozen=True, slots=True)
class Style:
    """One way to answer. hint: for the model. opens: what a composed reply begins with; parts: what follows."""

    hint: str
    opens: tuple[str, ...]
    parts: tuple[Part, Part]


STYLES: Mapping[str, Style] = {
    "agree": Style(
        "agree with one point of the post and say why it holds",
        (
            "Well put.",
            "Agreed, and easily overlooked.",
            "This holds up well.",
            "Yes, and it gets too little credit.",
            "That matches what most people find.",
            "Hard to argue with that.",
        ),
        ("reason", "action"),
    ),
    "tip": Style(
        "add one small concrete step that goes with the post",
        (
            "One small thing to add:",
            "What goes well with this:",
            "A small addition:",
            "Another step in the same direction:",
            "It may also be worth a try:",
            "This pairs well with one more thing:",
        ),
        ("action", "reason"),
    ),
    "question": Style(
        "ask the author one open question about what they wrote",
        (
            "Good point.",
            "Interesting.",
            "That raises a question.",
            "Nicely said.",
            "Worth thinking about.",
            "Glad somebody says it.",
        ),
        ("reason", "question"),
    ),
    "reframe": Style(
        "offer another way to look at what the post says, without contradicting it",
        (
            "Another way to see it:",
            "Perhaps it comes down to this:",
            "It can also be read the other way round:",
            "Seen from a bit further off:",
            "One more angle:",
        ),
        ("reason", "question"),
    ),
    "thanks": Style(
        "thank the author for one particular thought in the post and carry it a step further",
        (
            "Thank you for the reminder.",
            "Thanks for putting it so plainly.",
            "A useful note, thank you.",
            "Thank you, this is worth keeping.",
            "Thanks for sharing this.",
        ),
        ("reason", "action"),
    ),
}


@dataclass(frozen=True, slots=True)
class Written:
    """A reply that passed the checks. hash: as `uniqueness.text_hash`."""

    text: str
    hash: str


@dataclass(frozen=True, slots=True)
class NoneLeft:
    """Nothing fresh was found."""

    reason: str


def write(topic: str, style: str, recent: checks.Recent, rng: random.Random) -> Written | NoneLeft:
    """A reply in a style about a topic, unlike those of `recent`. Raises KeyError on an unknown name."""
    for _ in range(TRIES):
        text = _composed(topic, STYLES[style], rng)
        match checks.check(text, recent):
            case checks.Accepted(digest):
                return Written(text, digest)
            case checks.Rejected():
                continue
    return NoneLeft(f"{TRIES} tries at a reply ({style}) about {topic} gave nothing new")


def _composed(topic: str, style: Style, rng: random.Random) -> str:
    return " ".join([rng.choice(style.opens), *(_part(topic, part, rng) for part in style.parts)])


def _part(topic: str, part: Part, rng: random.Random) -> str:
    parts = PARTS[topic]
    match part:
        case "action":
            action = rng.choice(parts.actions)
            return f"{action[:1].upper()}{action[1:]}."
        case "reason":
            return rng.choice(parts.reasons)
        case "question":
            return rng.choice(parts.questions)
