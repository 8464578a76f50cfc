"""The other people of the network: some forty accounts who post about the same topics, seeded.

Pure, and with no state. Time is cut into slots, one list of slots a stranger; the post in a slot, and when in it,
are drawn from (seed, stranger, slot). So any stretch of anybody's past can be told again at any time, after
any restart, without a row being kept; and an id alone leads back to its post.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from domain.calendar import DAY
from social.sandbox import snowflake
from social.sandbox.reading import FORMATS, TONES, TOPICS

COUNT = 40
DAYS_KEPT = 30  # of everybody's posts, gathered: a search looks through a week of them
START = 1_735_689_600.0  # 2025-01-01: when `Stranger.followers` was right
FOLLOWER_GROWTH = 0.0004  # a day

_NAMES = """ada ben cleo dario emma finn greta hugo ines jonas kira leo mina noah olga pavel quinn rosa sami tess uma
viktor wren xenia yusuf zoe alma bruno carla dmitri"""
_WAYS = """walks sleeps reads cooks lifts breathes builds writes rests notes lab daily runs thinks"""

_SUBJECTS = {
    "sleep": (
        "a cool dark bedroom",
        "the same bedtime every night",
        "morning light before coffee",
        "a short nap before three",
        "no phone in bed",
    ),
    "nutrition": (
        "protein at breakfast",
        "cooking dinner at home",
        "fibre with every meal",
        "water before the first snack",
        "vegetables first on the plate",
    ),
    "movement": (
        "a ten minute walk after lunch",
        "two strength workouts a week",
        "stretching between calls",
        "squats while the kettle boils",
        "standing up every half hour of sitting",
    ),
    "focus": (
        "one task at a time",
        "notifications off until noon",
        "the phone in another room",
        "ninety minutes of deep work",
        "closing the inbox while I write",
    ),
    "stress": (
        "six slow breaths before a meeting",
        "a worry list at five",
        "ten calm minutes outside",
        "breathing out longer than in",
        "saying no before burnout says it",
    ),
    "habits": (
        "a tiny habit after an old one",
        "a routine that fits a bad day",
        "the same cue every morning",
        "never missing a streak twice",
        "writing the ritual down",
    ),
}
_OPENINGS = {
    "plain": ("", "Note to self: ", "Simple one: "),
    "warm": ("Be gentle with yourself, friend. ", "We all forget this: ", "Proud of anyone who tried today. "),
    "bold": ("Hard truth! ", "Most people skip this! ", "Stop guessing! "),
    "curious": ("I wonder about this… ", "Turns out it matters… ", "Strange but true… "),
}
_NOISE = (
    "Train delayed again, coffee cold again.",
    "New album on repeat today.",
    "Does anyone still print photos?",
    "Football tonight, see you after.",
    "The cat has learned to open the door.",
)
_BIOS = (
    "Notes on {topic} and a decent life.",
    "Trying things so you don't have to. Mostly {topic}.",
    "Coach. I write about {topic}.",
    "Reader, walker, sceptic. {topic}.",
    "{topic} nerd. Please no bots and no automated replies.",
)


@dataclass(frozen=True, slots=True)
class Stranger:
    """One other account. followers: at START; a_day: how often it posts."""

    index: int
    handle: str
    name: str
    bio: str
    topic: str
    followers: int
    a_day: float

    @property
    def slot(self) -> float:
        """Calendar seconds in which it posts once."""
        return DAY / self.a_day


@dataclass(frozen=True, slots=True)
class StrangerPost:
    """A post by a stranger. at: calendar seconds."""

    id: int
    author: Stranger
    text: str
    at: float


class Strangers:
    """All strangers of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        rng = random.Random(f"{seed}:strangers")
        names = rng.sample([(first, second) for first in _NAMES.split() for second in _WAYS.split()], COUNT)
        self.all = tuple(_draw_stranger(rng, index, first, second) for index, (first, second) in enumerate(names))
        self.by_handle = {one.handle: one for one in self.all}
        self._post = lru_cache(maxsize=20_000)(self._draw_post)
        self._day = lru_cache(maxsize=DAYS_KEPT)(self._gather_day)

    def newest(self, now: float, author: Stranger | None = None) -> Iterator[StrangerPost]:
        """Posts by `author`, or by all, from `now` backwards without end: take what you need."""
        for day in range(int(now // DAY), -1, -1):
            for post in self._day(day):
                if post.at <= now and (author is None or post.author is author):
                    yield post

    def between(self, author: Stranger, since: float, until: float) -> Iterator[StrangerPost]:
        """Posts by `author` with since < at <= until (calendar seconds), oldest first."""
        for slot in range(int(since // author.slot), int(until // author.slot) + 1):
            post = self._post(author.index, slot)
            if since < post.at <= until:
                yield post

    def find(self, post_id: int, now: float) -> StrangerPost | None:
        """The post with this id, where there is one by `now`."""
        index, at = snowflake.worker_of(post_id) - 1, snowflake.seconds_of(post_id)
        if not 0 <= index < COUNT or not 0 < at <= now:
            return None
        author = self.all[index]
        near = (self._post(index, int(at // author.slot) + step) for step in (0, -1, 1))
        return next((post for post in near if post.id == post_id), None)

    def followers(self, author: Stranger, now: float) -> int:
        """Followers of `author` at `now` (calendar seconds). Grows slowly, never shrinks."""
        return int(author.followers * (1.0 + FOLLOWER_GROWTH * max(0.0, now - START) / DAY))

    def _gather_day(self, day: int) -> tuple[StrangerPost, ...]:
        """All posts of a day of the calendar, newest first."""
        found = [post for one in self.all for post in self.between(one, day * DAY, (day + 1) * DAY)]
        return tuple(sorted(found, key=lambda post: post.id, reverse=True))

    def _draw_post(self, index: int, slot: int) -> StrangerPost:
        author = self.all[index]
        rng = random.Random(f"{self.seed}:{index}:{slot}")
        at_ms = int((slot + 0.98 * rng.random()) * author.slot * 1000.0)
        post_id = snowflake.make(at_ms, worker=index + 1)
        return StrangerPost(post_id, author, _draw_text(rng, author.topic), snowflake.seconds_of(post_id))


def _draw_stranger(rng: random.Random, index: int, first: str, second: str) -> Stranger:
    topic = TOPICS[index % len(TOPICS)]
    return Stranger(
        index=index,
        handle=f"{first}_{second}",
        name=f"{first.title()} {second.title()}",
        bio=rng.choice(_BIOS).format(topic=topic.title()),
        topic=topic,
        followers=min(2_000_000, int(rng.lognormvariate(8.5, 1.6)) + 40),
        a_day=rng.uniform(2.0, 9.0),
    )


def _draw_text(rng: random.Random, home_topic: str) -> str:
    if rng.random() < 0.12:
        return rng.choice(_NOISE)
    topic = home_topic if rng.random() < 0.7 else rng.choice(TOPICS)
    form, opening = rng.choice(FORMATS), rng.choice(_OPENINGS[rng.choice(TONES)])
    one, two, three = rng.sample(_SUBJECTS[topic], 3)
    cap = one[0].upper() + one[1:]
    match form:
        case "question":
            body = rng.choice((f"has {one} ever worked for you?", f"{one} or {two}: which would you keep?"))
        case "list":
            body = f"for better {topic}:\n- {one}\n- {two}\n- {three}"
        case "story":
            weeks = rng.choice(("a week", "a month", "most of a year"))
            body = f"I used to laugh at {one}. After {weeks} of it I no longer do."
        case "fact":
            body = f"{cap} helped {rng.randint(51, 89)}% of people in one study on {topic}."
        case _:
            body = f"try {one} before you buy anything for your {topic}."
    body = body if opening.endswith(": ") else body[0].upper() + body[1:]
    tag = f" #{topic}" if rng.random() < 0.3 else ""
    return f"{opening}{body}{tag}"
