"""The parts from which posts are composed where no model is at hand.

Every part stands for itself, so that parts of one topic can be combined freely. Parts of a topic carry no tone, parts
of a tone no topic (only its name, by `{topic}` and `{goal}`). Facts are common knowledge of their field with the
number people remember; nothing here promises an effect on anybody's health.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """What can be said about a topic.

    name: as in "a sleep tip". goal: as in "three steps to better sleep". actions: imperatives without a full stop.
    reasons, facts, questions: whole sentences. starts, turns, ends: the sentences of a small story, in this order.
    """

    name: str
    goal: str
    actions: tuple[str, ...]
    reasons: tuple[str, ...]
    facts: tuple[str, ...]
    questions: tuple[str, ...]
    starts: tuple[str, ...]
    turns: tuple[str, ...]
    ends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """A tone's words for one format: what a post opens with, and what it closes with ("" for nothing)."""

    opens: tuple[str, ...]
    closes: tuple[str, ...]


VOICES: Mapping[tuple[str, str], Voice] = {
    ("tip", "plain"): Voice(
        (
            "A simple {topic} tip:",
            "For {goal}:",
            "A basic {topic} tip:",
            "Small {topic} tip:",
            "For {goal}, in short:",
        ),
        ("", "That is all.", "It costs nothing.", "Simple, and easy to keep."),
    ),
    ("tip", "warm"): Voice(
        ("A gentle {topic} tip:", "A {topic} tip, from one friend to another:", "For {goal}, gently:"),
        (
            "Be kind to yourself while it settles.",
            "You've got this.",
            "Small is enough, friend.",
            "Be easy on yourself.",
        ),
    ),
    ("tip", "bold"): Voice(
        (
            "Stop waiting for {goal}:",
            "Bold {topic} tip:",
            "A {topic} tip, no excuses:",
            "The hard truth about {goal}:",
        ),
        ("No excuses!", "Do it!", "Never skip it twice!", "Start now!"),
    ),
    ("tip", "curious"): Voice(
        (
            "A small {topic} experiment:",
            "What if {goal} began with this:",
            "An experiment for {goal}:",
            "A {topic} tip for the curious:",
        ),
        (
            "You may wonder why you waited.",
            "It is strange how much that changes.",
            "Treat it as an experiment.",
            "Curious what you find.",
        ),
    ),
    ("question", "plain"): Voice(
        (
            "A simple {topic} question:",
            "A question about {goal}:",
            "{Topic} question of the day:",
            "A basic {topic} question:",
        ),
        ("", "Answers welcome.", "One word is enough.", "Simple answers count."),
    ),
    ("question", "warm"): Voice(
        (
            "A gentle {topic} question, friend:",
            "Between friends, about {goal}:",
            "A kind {topic} question for today:",
        ),
        ("Kind answers welcome.", "You are among friends.", "Be kind to yourself in the answer.", "Tell us, friend."),
    ),
    ("question", "bold"): Voice(
        ("A {topic} question, no excuses:", "Stop scrolling! A {topic} question:", "A bold {topic} question:"),
        ("No excuses!", "Be bold and answer!", "Never mind the perfect answer!", "Say it!"),
    ),
    ("question", "curious"): Voice(
        (
            "Curious about your {topic} experiments:",
            "We wonder about {goal}:",
            "A {topic} question, because we are curious:",
        ),
        ("Curious what you say.", "We wonder.", "Strange answers welcome.", "We are curious."),
    ),
    ("list", "plain"): Voice(
        ("Three simple ways to {goal}:", "{Topic} basics, in short:", "For {goal}:", "A simple {topic} list:"),
        ("", "Simple, one at a time.", "Pick one."),
    ),
    ("list", "warm"): Voice(
        ("Three gentle ways to {goal}:", "A kind list for {goal}:", "For {goal}, friend:"),
        ("One is enough. Be kind to yourself.", "You've got this.", "Go gently."),
    ),
    ("list", "bold"): Voice(
        ("{Goal}, no excuses:", "Stop overthinking it! {Goal}:", "Three non-negotiable rules for {goal}:"),
        ("Start now!", "No excuses!", "Never all at once: pick one!"),
    ),
    ("list", "curious"): Voice(
        ("Three small experiments for {goal}:", "Curious about {goal}:", "What if {goal} were this simple:"),
        ("Which one makes you curious, we wonder.", "Treat each as an experiment.", "Strange how small they are."),
    ),
    ("story", "plain"): Voice(
        ("A short {topic} story.", "A simple {topic} story.", "A story about {goal}.", "{Topic}, a short story."),
        ("", "That is the whole story.", "It was that simple."),
    ),
    ("story", "warm"): Voice(
        (
            "A gentle {topic} story, friend.",
            "A kind little {topic} story.",
            "A {topic} story to share with a friend.",
        ),
        ("Be kind to your own first week.", "You've got this.", "Go gently."),
    ),
    ("story", "bold"): Voice(
        ("A {topic} story with no excuses!", "A bold {topic} story.", "Stop planning and read this {topic} story."),
        ("No excuses!", "Never underestimate small!", "Start now!"),
    ),
    ("story", "curious"): Voice(
        (
            "A {topic} story for the curious.",
            "A small {topic} experiment, told in short.",
            "A strange little {topic} story.",
        ),
        ("It makes one wonder.", "A strange result of a small experiment.", "Curious how that works."),
    ),
    ("fact", "plain"): Voice(
        ("A simple {topic} fact:", "Worth knowing about {goal}:", "{Topic} fact:", "A basic {topic} fact:"),
        ("", "Simple as that.", "Good to know."),
    ),
    ("fact", "warm"): Voice(
        ("A {topic} fact to share with a friend:", "A gentle {topic} fact:", "A kind {topic} fact for today:"),
        ("Share it with a friend.", "Be kind to yourself with it.", "Go gently."),
    ),
    ("fact", "bold"): Voice(
        ("A bold {topic} fact:", "Stop guessing! A {topic} fact:", "A {topic} fact, no excuses:"),
        ("Never forget it!", "No excuses!", "Use it!"),
    ),
    ("fact", "curious"): Voice(
        ("A {topic} fact for the curious:", "Curious {topic} fact:", "A strange {topic} fact:"),
        ("It makes one wonder.", "Strange, and worth an experiment.", "Curious."),
    ),
}
WHENS = (
    "this week,",
    "tomorrow,",
    "starting today,",
    "for the next few days,",
    "until the weekend,",
    "if you can,",
    "from now on,",
)
ASKS = (
    "And what would you change first?",
    "What made the difference?",
    "What would you tell someone who is just starting?",
    "Has it changed over the years?",
    "What would you do differently?",
    "And is it working for you?",
    "What have you tried so far?",
)
