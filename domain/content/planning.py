"""How many posts to plan, and when they may go out.

The queue holds what the next 12 hours can publish and no more: a longer one would be planned by an older model. Money
decides how many are written at once. Times are calendar seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.calendar import HOUR, MINUTE
from domain.content.topics import bucket_of
from domain.publishing.caps import Allowed, History, Policy, Post, Switches, check, earliest_post, post_times

AHEAD = 12 * HOUR
STEP = 30 * MINUTE
TWO_ABOVE = 4.0
ONE_ABOVE = 0.5
_ALL_ON = Switches(permitted=True)


@dataclass(frozen=True, slots=True)
class Queue:
    """What is planned and not yet claimed: when each is due, a thread once. What is claimed is in the history."""

    due: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """Plan no post this time."""

    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan so many posts. by_model: ask the model (templates where it is away); otherwise templates alone."""

    count: int
    by_model: bool


def how_many(queue: Queue, history: History, policy: Policy, now: float, dollars_left: float) -> Plan | Nothing:
    """How many posts to plan now. history: what was published; dollars_left: of the day's budget."""
    room = len(post_times(history, policy, now, AHEAD)) - len(queue.due)
    if room <= 0:
        return Nothing(f"the queue of {len(queue.due)} is all that the next {AHEAD / HOUR:.0f} hours can publish")
    if dollars_left > TWO_ABOVE:
        return Plan(min(2, room), by_model=True)
    if dollars_left > ONE_ABOVE:
        return Plan(1, by_model=True)
    if is_empty(queue, history, now):
        return Plan(1, by_model=False)
    return Nothing(f"{dollars_left:.2f} dollars are left of the day's budget, and the queue is not empty")


def is_empty(queue: Queue, history: History, now: float) -> bool:
    """Whether nothing is to be published: neither planned, nor claimed for a later time."""
    return not queue.due and all(at <= now for at in history.posts)


def open_times(queue: Queue, history: History, policy: Policy, now: float) -> tuple[float, ...]:
    """Times in the next 12 hours for which one more post may be planned, in order.

    With nothing queued or claimed only the earliest: who has nothing to say should not wait for a better hour.
    Empty where the caps allow none in that time.
    """
    charged = History((*history.posts, *queue.due), history.replies)
    earliest = earliest_post(charged, policy, now)
    if earliest > now + AHEAD:
        return ()
    if is_empty(queue, history, now):
        return (earliest,)
    times = (earliest + number * STEP for number in range(int((now + AHEAD - earliest) // STEP) + 1))
    return tuple(at for at in times if check(Post(at), charged, _ALL_ON, policy) == Allowed())


def hours_of(times: Sequence[float]) -> frozenset[int]:
    """The hour buckets (of arms) that these times offer."""
    return frozenset(bucket_of(at) for at in times)


def time_for(hour: int, times: Sequence[float]) -> float:
    """The earliest of `times` in an hour bucket. Raises ValueError where there is none."""
    fitting = [at for at in times if bucket_of(at) == hour]
    if not fitting:
        raise ValueError(f"no open time in hour bucket {hour}; open are {sorted(hours_of(times))}")
    return min(fitting)
