"""Short words for the store's tests: an account, its lane, posts in any state."""

from dataclasses import replace
from typing import Any

from domain.calendar import HOUR
from domain.publishing import caps
from domain.publishing.uniqueness import text_hash
from store import lane, posts
from store.lane import Lane
from store.metrics import Snapshot
from store.posts import Draft, Post
from store.sql import Connection, rows

NOW = 1_800_000_000.0
REAL = 1_700_000_000.0
ACCOUNT = "roost"
OPEN = caps.Switches(permitted=True)
POLICY = caps.Policy()
# For tests that are about something else.
GENEROUS = caps.Policy(posts_a_day=1000, posts_an_hour=1000, between_posts=0.0)


def draft(text: str, **changes: Any) -> Draft:
    made = Draft(
        kind="post", body=text, text_hash=text_hash(text), source="model", due_at=NOW, arm={"topic": "birds"}
    )
    return replace(made, **changes)


def reply(text: str, to: int, author: str, **changes: Any) -> Draft:
    return draft(text, kind="reply", parent_site_id=to, parent_author=author, conversation_id=to, **changes)


def queued(conn: Connection, text: str, **changes: Any) -> int:
    match posts.queue(conn, ACCOUNT, draft(text, **changes), who="plan", now=NOW):
        case posts.Queued((post_id,)):
            return post_id
        case other:
            raise AssertionError(f"not queued: {other}")


def held(conn: Connection, owner: str = "one", real_now: float = REAL) -> Lane:
    match lane.acquire(conn, ACCOUNT, owner, real_now=real_now):
        case lane.Held(token):
            return Lane(ACCOUNT, owner, token)
        case other:
            raise AssertionError(f"no lane: {other}")


def claim(conn: Connection, by: Lane, now: float = NOW, **changes: Any) -> Any:
    asked: dict[str, Any] = {"real_now": REAL, "policy": GENEROUS, "switches": OPEN, "watermark": 7, **changes}
    return posts.claim(conn, by, now=now, **asked)


def claimed(conn: Connection, by: Lane, **changes: Any) -> tuple[Post, ...]:
    match claim(conn, by, **changes):
        case posts.Claimed(taken):
            return tuple(taken)
        case other:
            raise AssertionError(f"not claimed: {other}")


def one_claimed(conn: Connection, by: Lane, text: str = "a wren sings") -> Post:
    queued(conn, text)
    (post,) = claimed(conn, by)
    return post


def token(post: Post) -> int:
    assert post.claim is not None
    return post.claim.token


def now(conn: Connection, post: Post | int) -> Post:
    found = posts.get(conn, post if isinstance(post, int) else post.id)
    assert found is not None
    return found


def trail(conn: Connection, post: Post | int) -> list[str]:
    return [event.event for event in posts.trail(conn, post if isinstance(post, int) else post.id)]


def snapshots(conn: Connection, post_id: int) -> tuple[Snapshot, ...]:
    """All counts of a post, oldest first."""
    query = """
        select post_id, extract(epoch from taken_at)::float8 as taken_at, views, likes, replies, reposts, bookmarks
          from metric_snapshots where post_id = %(post_id)s order by taken_at
    """
    return tuple(Snapshot(**found) for found in rows(conn, query, {"post_id": post_id}))


LATER = NOW + 7 * HOUR
