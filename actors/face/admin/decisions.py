"""What a person looks at and decides about posts: the queue, one post's whole trail, approvals, opt-outs.

Called in the caller's own thread, which may wait for a connection; each wait has an end.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from actors.account import journal
from actors.core.future import AskError
from actors.face.context import AppContext, iso, plain
from actors.protocol.journal import OPT_OUTS
from actors.protocol.resources import LeaseEnded, LeaseRefused
from actors.resources.client import Leases
from domain.publishing.states import State
from domain.resources.admission import Budget
from store import posts
from store.errors import StoreError, is_away, without_secrets
from store.posts import Decided, Decision, Duplicate, Event, Impossible, Post
from store.sql import Connection
from store.writes import OptOut

ASK_SECONDS = 5.0
IN_WORK = (State.CLAIMED, State.ARMED, State.UNKNOWN, State.NEEDS_HUMAN)
LONGEST_BODY = 90  # characters of a text on one line
SOURCE = "operator"


class OutOfReach(Exception):
    """Postgres cannot be asked now; the text says why."""


def queue(view: AppContext) -> dict[str, Any]:
    """What is planned, what waits for approval, what is under way, and what needs a person. Raises OutOfReach."""
    account = view.settings.account
    with _database(view) as connection:
        planned = posts.queued(connection, account)
        working = {state: posts.in_state(connection, account, state) for state in IN_WORK}
    return {
        "needs_human": [_line_of(post) for post in working[State.NEEDS_HUMAN]],
        "waiting_for_approval": [_line_of(post) for post in planned if post.approval == "waiting"],
        "planned": [_line_of(post) for post in planned if post.approval != "waiting"],
        "under_way": [_line_of(post) for state in IN_WORK[:-1] for post in working[state]],
    }


def audit(view: AppContext, post_id: int) -> dict[str, Any] | None:
    """One post with its whole trail, from plan to outcome; None where there is none. Raises OutOfReach."""
    with _database(view) as connection:
        post = posts.get(connection, post_id)
        if post is None:
            return None
        trail = posts.trail(connection, post_id)
        parts = posts.thread(connection, post.thread_id) if post.thread_id is not None else ()
    return {**_whole(post), "thread": [part.id for part in parts], "trail": [_event(event) for event in trail]}


def decide(
    view: AppContext, post_id: int, decision: Decision, who: str, site_id: int | None
) -> Decided | Duplicate | Impossible:
    """Carry out a decision; see `store.posts.decide`. Raises OutOfReach."""
    with _database(view) as connection:
        now = view.system.runtime.calendar()
        return posts.decide(connection, post_id, decision, who=who, now=now, site_id=site_id)


def opt_out(view: AppContext, author: str, who: str) -> tuple[int, ...]:
    """Leave an author alone from now on. Returns the planned replies that are not sent for it.

    Kept in the journal first, so that it holds whatever happens to Postgres. Raises OutOfReach where Postgres learns
    of it only later, and AskError where the journal cannot keep it.
    """
    now, system = view.system.runtime.calendar(), view.system
    entry = (f"opt-out/{system.runtime.new_id()}", OptOut(author.lower(), SOURCE, now))
    journal.append(system, entry, timeout=ASK_SECONDS)
    known = map(str, journal.recall(system, OPT_OUTS, ASK_SECONDS))
    journal.remember(system, OPT_OUTS, sorted({*known, author.lower()}), ASK_SECONDS)
    with _database(view) as connection:
        return posts.opt_out(connection, view.settings.account, author, source=SOURCE, who=who, now=now).ended


@contextmanager
def _database(view: AppContext) -> Iterator[Connection]:
    leases = Leases(view.system, holder="admin", job="admin", priority=1, budget=Budget(database=1))
    try:
        with leases.database(wait=3.0, hold=5.0) as connection:
            yield connection
    except (LeaseRefused, LeaseEnded, AskError, StoreError) as error:
        raise OutOfReach(str(error)) from error
    except Exception as error:
        if not is_away(error):
            raise
        raise OutOfReach(without_secrets(" ".join(str(error).split()))) from error


def _line_of(post: Post) -> dict[str, Any]:
    text = " ".join(post.body.split())
    return {
        "id": post.id,
        "kind": post.kind.replace("_", " "),
        "state": post.state.value.replace("_", " "),
        "due_at": iso(post.due_at),
        "answers": post.parent_author,
        "why": post.needs_human or post.failure,
        "text": text if len(text) <= LONGEST_BODY else f"{text[: LONGEST_BODY - 1]}…",
    }


def _whole(post: Post) -> dict[str, Any]:
    times: Sequence[str] = (
        "due_at",
        "publish_at",
        "armed_at",
        "confirmed_at",
        "removed_at",
        "created_at",
        "changed_at",
    )
    ids = ("site_id", "parent_site_id", "conversation_id")  # larger than a program may read as a number
    found = {name: getattr(post, name) for name in Post.__slots__}
    found |= {name: None if found[name] is None else iso(found[name]) for name in times}
    found |= {name: None if found[name] is None else str(found[name]) for name in ids}
    whole: dict[str, Any] = plain(found)
    return whole


def _event(event: Event) -> dict[str, Any]:
    return {"at": iso(event.at), "event": event.event, "who": event.who, "detail": plain(event.detail)}
