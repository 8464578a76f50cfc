"""How much may be published, and what must be true before anything is: checked when claiming and again before arming.

Windows slide: "6 a day" means in any 24 hours, so no day of any time zone sees more. Times are calendar seconds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.calendar import DAY, HOUR, MINUTE

Approval = Literal["not_needed", "waiting", "approved", "rejected"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The caps. Counts in any window of that length; spans in calendar seconds."""

    posts_a_day: int = 6
    posts_an_hour: int = 2
    replies_a_day: int = 20
    replies_an_hour: int = 4
    between_posts: float = 20 * MINUTE
    between_replies_to_author: float = 7 * DAY


@dataclass(frozen=True, slots=True)
class Post:
    """A single post, or a whole thread (which counts once). thread: it would begin one."""

    at: float
    thread: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a thread that has begun. It was counted with its first part, and a thread is not left in its
    middle: only what stops all publishing stops it."""

    at: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, with what the caps ask about where it goes.

    approval: what a person said of this text, or that none was asked when it was queued. opted_out: its author asked
    to be left alone. last_to_author: when we last answered this author, if ever. answered_in_thread: whether we
    answered there already.
    """

    at: float
    approval: Approval
    opted_out: bool
    last_to_author: float | None
    answered_in_thread: bool


@dataclass(frozen=True, slots=True)
class History:
    """When posts and replies were published, or are claimed to be, in the last day at least. In any order."""

    posts: tuple[float, ...] = ()
    replies: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Switches:
    """What the operator allows.

    permitted: the site may be automated at all (the sandbox, or with permission). approval: a reply goes out only if
    a person approved it.
    """

    permitted: bool
    posting: bool = True
    replies: bool = True
    threads: bool = True
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not. code: one of a small fixed set, fit for a metric's label."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may be published at its time."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not, for every one of these reasons."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """It stays claimed: what forbids it forbids every other of its kind too, so it takes nobody's place."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Back into the queue with it, until a person or the operator allows it."""

    why: str


@dataclass(frozen=True, slots=True)
class End:
    """It will never be allowed."""

    why: str


_FOR_GOOD = frozenset({"opted_out"})
_ITS_OWN = frozenset({"not_approved", "threads_off", "thread", "author"})


def claim_after(refused: Refused) -> Hold | GiveBack | End:
    """What becomes of a claim that is refused after it was made: it must not keep out others that may be published.

    What the caps or a switch forbid to all of its kind is no reason to give it back: with the database gone, what is
    claimed is all there is.
    """
    codes = {reason.code for reason in refused.reasons}
    why = "; ".join(reason.text for reason in refused.reasons if reason.code in _FOR_GOOD | _ITS_OWN)
    if codes & _FOR_GOOD:
        return End(why)
    return GiveBack(why) if codes & _ITS_OWN else Hold()


def is_approved(approval: Approval, switches: Switches) -> bool:
    """Whether a reply may go out: a person approved it, or none was asked and none has to be asked now either."""
    return approval == "approved" or (approval == "not_needed" and not switches.approval)


def check(wanted: Post | Rest | Reply, history: History, switches: Switches, policy: Policy) -> Allowed | Refused:
    """Whether this may be published at its time. The history must not contain it."""
    reasons = []
    if not switches.permitted:
        reasons.append(
            Reason("not_permitted", "this site must not be automated: SITE_AUTOMATION_PERMITTED is not set")
        )
    if not switches.posting:
        reasons.append(Reason("disabled", "publishing is switched off (POSTING_DISABLED)"))
    match wanted:
        case Rest():
            pass
        case Post(at):
            if wanted.thread and not switches.threads:
                reasons.append(Reason("threads_off", "threads are switched off (THREADS)"))
            reasons += _windows("posts", history.posts, at, policy.posts_an_hour, policy.posts_a_day)
            reasons += _spacing(history.posts, at, policy)
        case Reply(at):
            reasons += _windows("replies", history.replies, at, policy.replies_an_hour, policy.replies_a_day)
            reasons += _courtesy(wanted, switches, policy)
    return Refused(tuple(reasons)) if reasons else Allowed()


def earliest_post(history: History, policy: Policy, now: float) -> float:
    """The first time from `now` on at which the caps allow a post, given those published and those set for later.

    Raises ValueError where the policy allows no post ever.
    """
    if policy.posts_a_day < 1 or policy.posts_an_hour < 1:
        raise ValueError("the caps allow no post at all; raise posts_a_day and posts_an_hour above 0")
    # Whatever forbids a time ends when one of the posts leaves a window or its spacing. Rounded up to a whole second,
    # so that no span is cut short by a rounding error.
    ends = {math.floor(at + span) + 1.0 for at in history.posts for span in (DAY, HOUR, policy.between_posts)}
    for at in sorted({now, *(end for end in ends if end > now)}):
        if not _windows("posts", history.posts, at, policy.posts_an_hour, policy.posts_a_day) and not _spacing(
            history.posts, at, policy
        ):
            return at
    raise AssertionError("a day after the last post no window holds any")


def post_times(history: History, policy: Policy, now: float, span: float) -> tuple[float, ...]:
    """The times at which the caps allow posts in the next `span` seconds, each as early as can be."""
    times: list[float] = []
    while (at := earliest_post(History((*history.posts, *times)), policy, now)) <= now + span:
        times.append(at)
    return tuple(times)


def _windows(what: str, times: Sequence[float], at: float, an_hour: int, a_day: int) -> list[Reason]:
    reasons = []
    for code, span, most in (("hour", HOUR, an_hour), ("day", DAY, a_day)):
        if fullest(times, at, span) > most:
            reasons.append(Reason(f"{what}_{code}", f"{most} {what} in one {code} are the most"))
    return reasons


def fullest(times: Iterable[float], at: float, span: float) -> int:
    """The most events, `at` included, in any window of `span` seconds that contains `at` (its end excluded)."""
    near = [at, *(time for time in times if at - span < time < at + span)]
    return max(sum(start <= time < start + span for time in near) for start in near if start <= at)


def _spacing(times: Iterable[float], at: float, policy: Policy) -> list[Reason]:
    nearest = min((abs(time - at) for time in times), default=policy.between_posts)
    if nearest >= policy.between_posts:
        return []
    return [
        Reason("spacing", f"{policy.between_posts / MINUTE:.0f} min between posts, {nearest / MINUTE:.0f} are left")
    ]


def _courtesy(reply: Reply, switches: Switches, policy: Policy) -> list[Reason]:
    reasons = []
    if not switches.replies:
        reasons.append(Reason("replies_off", "replies are switched off (REPLIES)"))
    if not is_approved(reply.approval, switches):
        reasons.append(Reason("not_approved", "a person has not approved this text yet"))
    if reply.opted_out:
        reasons.append(Reason("opted_out", "its author asked not to be answered"))
    if reply.answered_in_thread:
        reasons.append(Reason("thread", "one reply a thread, and there is one"))
    if reply.last_to_author is not None and reply.at - reply.last_to_author < policy.between_replies_to_author:
        days = policy.between_replies_to_author / DAY
        reasons.append(Reason("author", f"{days:.0f} days between replies to one author are not over"))
    return reasons
