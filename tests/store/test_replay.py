from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from domain.publishing.states import State
from store import flags, health, lane, optouts, posts, runs, spend
from store.flags import Flag
from store.health import HealthRecord
from store.journal import Journal
from store.metrics import Snapshot
from store.replay import AlreadyReplayed, Rejected, Replayed, replay
from store.runs import Heartbeat, Run
from store.spend import Spend
from store.sql import Connection
from store.writes import (
    AccountStopped,
    Entry,
    OptOut,
    PostArmed,
    PostConfirmed,
    PostFailed,
    PostLostSight,
    PostNoted,
    PostReleased,
    Write,
    decode,
    encode,
)
from tests.store.test_journal import confirmed, lost_sight, released
from tests.store.world import ACCOUNT, NOW, claimed, held, now, one_claimed, queued, snapshots, token, trail

RUN = Run("run 1", "posting", "one", NOW, NOW + 2, "failed", 3, "the page broke", {"posts": [1]})
EVERY: list[Write] = [
    PostArmed(1, 1, "one", NOW),
    PostConfirmed(1, 1, 99, "one", NOW, {"response": 99}),
    PostFailed(1, 1, "rejected", "one", NOW),
    PostLostSight(1, 1, "closed", "one", NOW),
    PostReleased(1, 1, "off", "one", NOW),
    PostNoted(1, "seen", "one", NOW, {"toast": True}),
    AccountStopped(ACCOUNT, "the session expired", NOW),
    OptOut("ann", "asked", NOW),
    Snapshot(1, NOW, 5, 4, 3, 2, 1),
    RUN,
    Heartbeat("posting", "one", "waiting", NOW),
    Flag("MODE", "shadow", NOW, "ann"),
    Spend("call 1", NOW, 0.25, 100, 20, "gpt", "plan"),
    HealthRecord(NOW, "one", "full", True, {"redis": "up"}),
]


def contents(conn: Connection) -> list[object]:
    found = conn.execute("select tablename from pg_tables where schemaname = 'public' order by tablename").fetchall()
    tables = [table for (table,) in found if table != "applied_journal_entries"]
    return [
        conn.execute(SQL("select * from {} order by 1, 2").format(Identifier(table))).fetchall() for table in tables
    ]


@pytest.mark.parametrize("write", EVERY, ids=lambda write: type(write).__name__)
def test_every_write_survives_the_journal_and_has_its_effect_once(
    conn: Connection, tmp_path: Path, write: Write
) -> None:
    one_claimed(conn, held(conn))
    before = contents(conn)
    journal = Journal.open(tmp_path / "journal.sqlite", now=NOW)
    journal.append([("e1", write)])
    (entry,) = journal.waiting()
    journal.close()
    assert entry.write == write

    assert replay(conn, entry, now=NOW) == Replayed()
    after = contents(conn)
    assert after != before
    assert replay(conn, entry, now=NOW + 1) == AlreadyReplayed()
    assert contents(conn) == after


def test_writes_are_read_back_where_they_belong(conn: Connection) -> None:
    one_claimed(conn, held(conn))
    for number, write in enumerate(EVERY[5:]):
        replay(conn, Entry(number, f"e{number}", write), now=NOW)
    assert trail(conn, 1)[-1] == "seen"
    assert lane.stopped(conn, ACCOUNT) == lane.Stopped("the session expired", NOW)
    assert optouts.every(conn) == {"ann"}
    assert snapshots(conn, 1) == (Snapshot(1, NOW, 5, 4, 3, 2, 1),)
    assert runs.history(conn) == (RUN,)
    assert runs.heartbeats(conn) == (Heartbeat("posting", "one", "waiting", NOW),)
    assert flags.every(conn) == {"MODE": Flag("MODE", "shadow", NOW, "ann")}
    assert spend.since(conn, NOW) == 0.25
    assert health.latest(conn) == (HealthRecord(NOW, "one", "full", True, {"redis": "up"}),)


def test_an_outage_is_caught_up_in_order_and_twice_is_as_once(conn: Connection, tmp_path: Path) -> None:
    mine = held(conn)
    for text in ("first", "second", "third"):
        queued(conn, text)
    first, second, third = claimed(conn, mine)
    journal = Journal.open(tmp_path / "journal.sqlite", now=NOW)
    journal.keep([first, second, third], at=NOW)
    journal.arm(first, by="one", at=NOW + 1)
    journal.record(confirmed(first, 99, {"response": 99}, at=NOW + 2), attempt=1)
    journal.arm(second, by="one", at=NOW + 3)
    journal.record(lost_sight(second, "the page closed", at=NOW + 4), attempt=1)
    journal.record(released(third, "switched off", at=NOW + 5), attempt=1)
    waiting = journal.waiting()
    journal.close()

    for _ in range(2):
        for entry in waiting:
            replay(conn, entry, now=NOW + 100)

    states = [now(conn, post).state for post in (first, second, third)]
    assert states == [State.CONFIRMED, State.UNKNOWN, State.PLANNED]
    assert trail(conn, first) == ["queued", "claimed", "armed", "confirmed"]
    assert trail(conn, second) == ["queued", "claimed", "armed", "unknown"]
    assert now(conn, first).confirmed_at == NOW + 2, "the time of the event, not of the replay"


def test_a_refused_change_is_replayed_and_says_why(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    answer = replay(conn, Entry(1, "e1", PostArmed(post.id, token(post) + 5, "one", NOW)), now=NOW)
    assert answer == Replayed(refused="token 6 is not valid: its claim has token 1")


@pytest.mark.parametrize(
    "write",
    [
        Snapshot(404, NOW, 1, 1, 1, 1, 1),
        Snapshot(1, NOW, -1, 1, 1, 1, 1),
        PostNoted(404, "seen", "one", NOW),
        Flag("MODE", "a\x00b", NOW, "ann"),
    ],
)
def test_what_postgres_will_never_take_is_rejected_and_leaves_nothing(conn: Connection, write: Write) -> None:
    queued(conn, "a wren sings")
    before = contents(conn)
    for _ in range(2):
        assert isinstance(replay(conn, Entry(1, "e1", write), now=NOW), Rejected)
    assert contents(conn) == before


def test_a_lost_connection_is_raised_so_that_the_entry_stays(conn: Connection, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as killer:
        killer.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        replay(conn, Entry(1, "e1", EVERY[-1]), now=NOW)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(st.sampled_from(["arm", "confirm", "fail", "lose_sight"]), min_size=1, max_size=5), data=st.data()
)
def test_replays_cut_off_and_begun_again_end_as_one_whole_replay(
    conn: Connection, moves: list[str], data: st.DataObject
) -> None:
    """However the journal's note of what was replayed lags behind, the end is the same."""
    writes: dict[str, Write] = {}
    post = one_claimed(conn, held(conn), f"post {queued_count(conn)}")
    known: dict[str, Write] = {
        "arm": PostArmed(post.id, token(post), "one", NOW),
        "confirm": PostConfirmed(post.id, token(post), 10_000 + post.id, "one", NOW),
        "fail": PostFailed(post.id, token(post), "rejected", "one", NOW),
        "lose_sight": PostLostSight(post.id, token(post), "closed", "one", NOW),
    }
    for number, move in enumerate(moves):
        writes[f"{post.id}/{number}"] = known[move]
    entries = [Entry(number, entry_id, write) for number, (entry_id, write) in enumerate(writes.items())]
    for entry in entries:
        replay(conn, entry, now=NOW)
    once = (now(conn, post), trail(conn, post))

    restart_at = data.draw(st.integers(0, len(entries) - 1))
    for entry in entries[restart_at:]:
        assert replay(conn, entry, now=NOW + 9) == AlreadyReplayed()
    assert (now(conn, post), trail(conn, post)) == once
    if "confirm" in moves:
        assert once[0].state is State.CONFIRMED


def queued_count(conn: Connection) -> int:
    return len(posts.recent(conn, ACCOUNT, limit=1000))


def test_a_write_of_an_unknown_kind_or_shape_is_no_write() -> None:
    for kind, fields in (("Nonsense", "{}"), ("Flag", "{}"), ("Flag", "[]"), ("Flag", "{")):
        with pytest.raises(ValueError, match="journal entry"):
            decode(kind, fields)
    assert decode(*encode(RUN)) == RUN
