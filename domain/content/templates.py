"""Posts without a model: composed from parts, so that a year of them needs no repetition.

A template post must say what its arm says, or learning would learn from noise: topic, format and tone can be read
from each text again (`topics.read`).
"""

import random
from collections.abc import Collection
from dataclasses import dataclass

from domain.content.phrases import ASKS, VOICES, WHENS, Topic, Voice
from domain.content.phrases_body import BODY
from domain.content.phrases_mind import MIND
from domain.content.weight import MOST, weight
from domain.publishing.uniqueness import text_hash

PARTS = {**BODY, **MIND}
TRIES = 200


@dataclass(frozen=True, slots=True)
class Written:
    """A text of the arm that was asked for. hash: as `uniqueness.text_hash`."""

    text: str
    hash: str


@dataclass(frozen=True, slots=True)
class NoneLeft:
    """Nothing fresh was found: nearly all this arm's posts were published lately."""

    reason: str


def write(topic: str, format: str, tone: str, recent: Collection[str], rng: random.Random) -> Written | NoneLeft:
    """A post that is not among `recent` (hashes of the last 30 days). Raises KeyError on an unknown name."""
    parts, voice = PARTS[topic], VOICES[format, tone]
    for _ in range(TRIES):
        text = _composed(parts, format, voice, rng)
        digest = text_hash(text)
        if weight(text) <= MOST and digest not in recent:
            return Written(text, digest)
    return NoneLeft(f"{TRIES} tries at a {tone} {format} about {topic} gave nothing that is new and short enough")


def _composed(parts: Topic, format: str, voice: Voice, rng: random.Random) -> str:
    opening = _filled(rng.choice(voice.opens), parts)
    closing = rng.choice(voice.closes)
    match format:
        case "tip":
            sentences = [
                f"{opening} {rng.choice(WHENS)} {rng.choice(parts.actions)}.",
                rng.choice(parts.reasons),
                closing,
            ]
        case "question":
            sentences = [opening, rng.choice(parts.questions), rng.choice(ASKS), closing]
        case "list":
            items = [f"• {_capitalized(action)}" for action in rng.sample(parts.actions, 3)]
            return "\n".join(line for line in (opening, *items, closing) if line)
        case "story":
            sentences = [opening, *(rng.choice(part) for part in (parts.starts, parts.turns, parts.ends)), closing]
        case "fact":
            sentences = [f"{opening} {rng.choice(parts.facts)}", rng.choice(parts.reasons), closing]
        case _:
            raise KeyError(format)
    return " ".join(sentence for sentence in sentences if sentence)


def _filled(opening: str, parts: Topic) -> str:
    return opening.format(
        topic=parts.name, Topic=_capitalized(parts.name), goal=parts.goal, Goal=_capitalized(parts.goal)
    )


def _capitalized(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]
