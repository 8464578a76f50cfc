"""Both stores against the table of moves: whatever says that something became of a post, from wherever the post is.

Each mover is called on a post in each state. It has to move it exactly where the table lets its party, but for what
`NARROWER` names with its reason; and there is no move in the table that nobody makes.
"""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.publishing.states import IllegalMoveError, Party, State, may_move
from store import optouts, posts
from store.backup import doubt
from store.journal import Journal
from store.posts import Post
from store.posts.moves import locked_one, move
from store.posts.queue import ORPHANED
from store.replay import Replayed, replay
from store.sql import Connection
from store.writes import PostConfirmed
from tests.store.test_journal import NOW, confirmed, failed, lost_sight, post, released
from tests.store.world import ACCOUNT, LATER, REAL, claim, claimed, draft, held, one_claimed, reply, token, trail
from tests.store.world import now as current

AUTHOR = "ann"
STORE = Path(__file__).parents[2] / "store"


@dataclass(frozen=True)
class Mover:
    """What moves a post. to, by: the move it makes. then: the one behind it, in the same breath."""

    to: State
    by: Party
    call: Callable[[Connection, Post], object]
    then: State | None = None


def sweep(conn: Connection, of: Post) -> None:
    posts.sweep_ended(conn, held(conn, "two", real_now=REAL + 31), now=LATER, real_now=REAL + 32)


def claim_again(conn: Connection, of: Post) -> None:
    claim(conn, held(conn), what="replies")


def claim_where_the_author_opted_out(conn: Connection, of: Post) -> None:
    optouts.add(conn, AUTHOR, source="asked", now=NOW)
    claim_again(conn, of)


def claim_where_the_text_is_out(conn: Connection, of: Post) -> None:
    conn.execute(
        "insert into posts (account, kind, body, text_hash, source, state, parent_site_id, due_at, created_at, "
        "changed_at, site_id, confirmed_at) select account, kind, body, text_hash, source, 'reconciled', "
        "parent_site_id, due_at, created_at, changed_at, 4711, to_timestamp(%s) from posts where id = %s",
        (NOW, of.id),
    )
    claim_again(conn, of)


def behind_a_part(conn: Connection, of: Post, state: str) -> int:
    """Make the post the second part of a thread of which the first is in that state; returns the first one's id."""
    first = draft("the part before", kind="thread_part")
    made = posts.queue_thread(conn, ACCOUNT, (first,), who="plan", now=NOW)
    assert isinstance(made, posts.Queued)
    (before,) = made.post_ids
    conn.execute("update posts set state = %s, failure = 'no' where id = %s", (state, before))
    conn.execute(
        "update posts set kind = 'thread_part', thread_id = %s, thread_position = 1, failure = %s where id = %s",
        (before, ORPHANED, of.id),
    )
    return before


def claim_where_the_part_before_failed(conn: Connection, of: Post) -> None:
    behind_a_part(conn, of, "failed_definite")
    claim(conn, held(conn))


def reject_the_part_before(conn: Connection, of: Post) -> None:
    posts.decide(conn, behind_a_part(conn, of, "planned"), "reject", who="ann", now=NOW)


def retry_the_part_before(conn: Connection, of: Post) -> None:
    posts.decide(conn, behind_a_part(conn, of, "failed_definite"), "retry", who="ann", now=NOW)


IN_POSTGRES = {
    "claim": Mover(State.CLAIMED, Party.LANE, claim_again),
    "claim: its author opted out": Mover(State.FAILED_DEFINITE, Party.LANE, claim_where_the_author_opted_out),
    "claim: its text is out": Mover(State.FAILED_DEFINITE, Party.LANE, claim_where_the_text_is_out),
    "claim: the part before failed": Mover(State.FAILED_DEFINITE, Party.LANE, claim_where_the_part_before_failed),
    "arm": Mover(State.ARMED, Party.OWNER, lambda c, p: posts.arm(c, p.id, token(p), who="one", at=NOW)),
    "confirm": Mover(
        State.CONFIRMED,
        Party.OWNER,
        lambda c, p: posts.confirm(c, p.id, token(p), 99, who="one", at=NOW, evidence={}),
    ),
    "fail": Mover(
        State.FAILED_DEFINITE, Party.OWNER, lambda c, p: posts.fail(c, p.id, token(p), "no", who="one", at=NOW)
    ),
    "fail, to be tried again": Mover(
        State.FAILED_DEFINITE,
        Party.OWNER,
        lambda c, p: posts.fail(c, p.id, token(p), "no", who="one", at=NOW, again_at=NOW),
        then=State.PLANNED,
    ),
    "lose sight": Mover(
        State.UNKNOWN, Party.OWNER, lambda c, p: posts.lose_sight(c, p.id, token(p), "gone", who="one", at=NOW)
    ),
    "release": Mover(
        State.PLANNED, Party.OWNER, lambda c, p: posts.release(c, p.id, token(p), "off", who="one", at=NOW)
    ),
    "sweep": Mover(State.UNKNOWN, Party.RECOVERY, sweep),
    "restore": Mover(State.UNKNOWN, Party.RECOVERY, lambda c, p: doubt(c, now=NOW)),
    "reconcile": Mover(
        State.RECONCILED, Party.RECOVERY, lambda c, p: posts.reconcile(c, p.id, 99, who="r", at=NOW, evidence={})
    ),
    "ask a person": Mover(
        State.NEEDS_HUMAN,
        Party.RECOVERY,
        lambda c, p: posts.ask_human(c, p.id, "look", who="r", at=NOW, evidence={}),
    ),
    "approve with its id": Mover(
        State.RECONCILED,
        Party.PERSON,
        lambda c, p: posts.decide(c, p.id, "approve", who="ann", now=NOW, site_id=99),
    ),
    "reject": Mover(
        State.FAILED_DEFINITE, Party.PERSON, lambda c, p: posts.decide(c, p.id, "reject", who="ann", now=NOW)
    ),
    "reject the part before": Mover(State.FAILED_DEFINITE, Party.PERSON, reject_the_part_before),
    "retry": Mover(State.PLANNED, Party.PERSON, lambda c, p: posts.decide(c, p.id, "retry", who="ann", now=NOW)),
    "retry the part before": Mover(State.PLANNED, Party.PERSON, retry_the_part_before),
    "opt out": Mover(
        State.FAILED_DEFINITE,
        Party.PERSON,
        lambda c, p: posts.opt_out(c, ACCOUNT, AUTHOR, source="asked", who="ann", now=NOW),
    ),
}

# Where a mover does less than its party may, and why.
NARROWER = {
    ("release", State.FAILED_DEFINITE): "what ended for good is not undone by giving it back",
    ("sweep", State.PLANNED): "it has no claim that could be over",
    ("reject the part before", State.NEEDS_HUMAN): "it may be out, whatever becomes of the rest of its thread",
    ("retry the part before", State.NEEDS_HUMAN): "likewise",
    ("opt out", State.NEEDS_HUMAN): "it may be out, whatever its author wishes since",
}


def in_state(conn: Connection, state: State) -> Post:
    """A reply that was claimed once, by instance one, and then got there. Nobody knows that it was armed."""
    made = posts.queue(conn, ACCOUNT, reply("well seen", 11, AUTHOR), who="r", now=NOW)
    assert isinstance(made, posts.Queued)
    (of,) = claimed(conn, held(conn), what="replies")
    conn.execute(
        "update posts set state = %(state)s, failure = 'no', needs_human = 'look', "
        "site_id = case when %(out)s then 98 end, confirmed_at = case when %(out)s then changed_at end "
        "where id = %(id)s",
        {"state": state, "out": state in (State.CONFIRMED, State.RECONCILED), "id": of.id},
    )
    conn.execute("delete from cap_charges")  # else nothing could be claimed again, whatever became of it
    return of


def made_by(conn: Connection, mover: Mover, state: State) -> list[State]:
    """Where the post was, in order, from the state to the end of the call. Leaves nothing behind."""
    with conn.transaction(force_rollback=True):
        of = in_state(conn, state)
        before = len(posts.trail(conn, of.id))
        mover.call(conn, of)
        moves = [each for each in posts.trail(conn, of.id)[before:] if "from" in each.detail]
        way = [state, *(State(each.event) for each in moves)]
        assert [State(each.detail["from"]) for each in moves] == way[:-1], "the trail is the way it went"
        assert current(conn, of).state is way[-1], "and nothing moves it beside the trail"
        return way


@pytest.mark.parametrize("name", IN_POSTGRES)
def test_postgres_moves_a_post_exactly_where_the_table_lets_that_party(conn: Connection, name: str) -> None:
    mover = IN_POSTGRES[name]
    for state in State:
        may = may_move(state, mover.to, mover.by) and (name, state) not in NARROWER
        behind = [] if mover.then is None else [mover.then]
        assert made_by(conn, mover, state) == ([state, mover.to, *behind] if may else [state]), state


IN_THE_JOURNAL: dict[str, tuple[State, Callable[[Journal, Post], object]]] = {
    "arm": (State.ARMED, lambda journal, of: journal.arm(of, by="one", at=NOW)),
    "confirm": (State.CONFIRMED, lambda journal, of: journal.record(confirmed(of, 99, {}), attempt=1)),
    "fail": (State.FAILED_DEFINITE, lambda journal, of: journal.record(failed(of, "no"), attempt=1)),
    "lose sight": (State.UNKNOWN, lambda journal, of: journal.record(lost_sight(of, "gone"), attempt=1)),
    "release": (State.PLANNED, lambda journal, of: journal.record(released(of, "off"), attempt=1)),
}


def state_in(journal: Journal) -> State:
    """Where the journal has its one post. What was given back it has no more."""
    return next((kept.state for kept in journal.claims()), State.PLANNED)


@pytest.mark.parametrize("name", IN_THE_JOURNAL)
@pytest.mark.parametrize("state", [state for state in State if state is not State.PLANNED])
def test_the_journal_moves_a_post_exactly_where_the_table_lets_its_owner(
    tmp_path: Path, name: str, state: State
) -> None:
    to, call = IN_THE_JOURNAL[name]
    journal = Journal.open(tmp_path / "journal.sqlite", now=NOW)
    journal.keep([post()], at=NOW)
    out = 98 if state in (State.CONFIRMED, State.RECONCILED) else None
    journal._connection.execute("update claims set state = ?, site_id = ?", (state, out))

    call(journal, post())

    # What the journal does not have as claimed was armed, as far as the one who armed it knows.
    may = may_move(state, to, Party.OWNER) and (name != "release" or state is State.CLAIMED)
    assert state_in(journal) is (to if may else state)
    assert [entry.id for entry in journal.waiting()] == ([f"post/1/1/{to}"] if may else [])
    journal.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(IN_THE_JOURNAL)), max_size=6))
def test_whatever_a_run_says_and_in_whatever_order_postgres_ends_where_the_journal_is(
    conn: Connection, said: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as home, conn.transaction(force_rollback=True):
        of = one_claimed(conn, held(conn))
        journal = Journal.open(Path(home) / "journal.sqlite", now=NOW)
        journal.keep([of], at=NOW)
        for word in said:
            IN_THE_JOURNAL[word][1](journal, of)
        entries = journal.waiting()
        for entry in entries:
            assert replay(conn, entry, now=NOW) == Replayed()
        # It has no copy of what was given back; a confirmation that still comes is all that may move it then.
        is_out = any(isinstance(entry.write, PostConfirmed) for entry in entries)
        assert current(conn, of).state is (State.CONFIRMED if is_out else state_in(journal))
        journal.close()


def test_the_journal_keeps_only_what_the_lanes_holder_has_just_claimed(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.sqlite", now=NOW)
    for state in set(State) - {State.CLAIMED, State.FAILED_DEFINITE}:
        with pytest.raises(IllegalMoveError):
            journal.keep([replace(post(), state=state)], at=NOW)
    assert journal.claims() == ()
    journal.close()


def test_there_is_no_move_in_the_table_that_nobody_makes(conn: Connection) -> None:
    made = set()
    for mover, state in product(IN_POSTGRES.values(), State):
        way = made_by(conn, mover, state)
        made |= {(source, target, mover.by) for source, target in pairwise(way)}
    assert made == {each for each in product(State, State, Party) if may_move(*each)}


def test_a_move_that_is_not_allowed_raises_and_writes_nothing(conn: Connection) -> None:
    of = in_state(conn, State.CONFIRMED)
    before = current(conn, of), trail(conn, of)
    found = locked_one(conn, of.id)
    assert found is not None
    with pytest.raises(IllegalMoveError, match="cannot go from confirmed to planned"):
        move(conn, found, State.PLANNED, Party.OWNER, who="one", at=NOW, detail={})
    assert (current(conn, of), trail(conn, of)) == before


def test_the_state_of_a_post_is_written_in_one_place() -> None:
    writes = re.compile(r"update\s+posts\b(\s+\w+)?\s+set\b((?!\bwhere\b)[^\"])*?\bstate\s*=\s", re.IGNORECASE)
    found = {path.relative_to(STORE).as_posix() for path in STORE.rglob("*.py") if writes.search(path.read_text())}
    assert found == {"posts/moves.py"}
