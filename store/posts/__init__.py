"""Posts in Postgres: queued, claimed, followed to their end, decided about by people, and looked at."""

from store.posts.claim import (
    Claimed,
    LaneLost,
    LaneStopped,
    claim,
    own_claims,
    sweep_ended,
)
from store.posts.decisions import Decided, Decision, Impossible, decide, retry
from store.posts.events import Event, trail
from store.posts.queue import Draft, Duplicate, OptedOut, Queued, queue, queue_thread
from store.posts.read import charged, get, in_state, published, queued, recent, recent_texts, site_ids, thread
from store.posts.transitions import (
    Applied,
    Change,
    NotApplied,
    Unchanged,
    arm,
    ask_human,
    confirm,
    fail,
    lose_sight,
    mark_removed,
    reconcile,
    release,
)
from store.posts.values import Post

__all__ = [
    "Applied",
    "Change",
    "Claimed",
    "Decided",
    "Decision",
    "Draft",
    "Duplicate",
    "Event",
    "Impossible",
    "LaneLost",
    "LaneStopped",
    "NotApplied",
    "OptedOut",
    "Post",
    "Queued",
    "Unchanged",
    "arm",
    "ask_human",
    "charged",
    "claim",
    "confirm",
    "decide",
    "fail",
    "get",
    "in_state",
    "lose_sight",
    "mark_removed",
    "own_claims",
    "published",
    "queue",
    "queue_thread",
    "queued",
    "recent",
    "recent_texts",
    "reconcile",
    "release",
    "retry",
    "site_ids",
    "sweep_ended",
    "thread",
    "trail",
]
