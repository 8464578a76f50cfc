import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.calendar import HOUR, MINUTE
from domain.publishing.claims import Claim
from domain.publishing.states import State
from store.errors import JournalUnavailable
from store.flags import Flag
from store.journal import Armed, Cached, Journal, NotArmed
from store.journal_file import Fresh, Whole
from store.posts import Post
from store.writes import PostArmed, PostConfirmed, PostFailed, PostLostSight, PostReleased

NOW = 1_800_000_000.0


def post(number: int = 1, *, attempt: int = 1, publish_at: float = NOW) -> Post:
    return Post(
        id=number,
        account="roost",
        kind="post",
        body=f"post {number} \N{BIRD}",
        text_hash=f"hash {number}",
        source="model",
        state=State.CLAIMED,
        approval="not_needed",
        due_at=NOW,
        created_at=NOW,
        changed_at=NOW,
        arm={"topic": "birds", "hour": 7},
        claim=Claim("one", 5, NOW + 6 * HOUR, 77),
        publish_at=publish_at,
        attempts=attempt,
    )


def confirmed(of: Post, site_id: int, evidence: dict[str, Any], *, at: float = NOW) -> PostConfirmed:
    return PostConfirmed(of.id, of.token, site_id, "one", at, evidence)


def failed(of: Post, reason: str, *, at: float = NOW) -> PostFailed:
    return PostFailed(of.id, of.token, reason, "one", at)


def lost_sight(of: Post, reason: str, *, at: float = NOW) -> PostLostSight:
    return PostLostSight(of.id, of.token, reason, "one", at)


def released(of: Post, reason: str, *, at: float = NOW) -> PostReleased:
    return PostReleased(of.id, of.token, reason, "one", at)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal.open(path, now=NOW)
    yield opened
    opened.close()


def flag(number: int) -> Flag:
    return Flag("MODE", number, NOW, "ann")


def test_a_new_journal_is_fresh_and_later_whole(path: Path) -> None:
    first = Journal.open(path, now=NOW)
    assert first.found == Fresh()
    first.close()
    again = Journal.open(path, now=NOW)
    assert again.found == Whole()
    again.close()


def test_a_claimed_batch_comes_back_as_it_was_in_the_order_of_publishing(path: Path) -> None:
    first = Journal.open(path, now=NOW)
    batch = [post(1, publish_at=NOW + HOUR), post(2), post(3)]
    first.keep(batch, at=NOW)
    first.close()
    again = Journal.open(path, now=NOW)
    assert [kept.post for kept in again.claims()] == [batch[1], batch[2], batch[0]]
    again.close()


def test_a_claim_is_armed_once(journal: Journal) -> None:
    journal.keep([post()], at=NOW)
    assert journal.arm(post(), by="one", at=NOW + 1) == Armed()
    assert journal.arm(post(), by="one", at=NOW + 2) == NotArmed("post 1 is armed")
    (kept,) = journal.claims()
    assert (kept.state, kept.armed_at) == (State.ARMED, NOW + 1)
    assert [entry.write for entry in journal.waiting()] == [PostArmed(1, 5, "one", NOW + 1)]


def test_what_is_not_claimed_here_is_never_armed(journal: Journal) -> None:
    assert isinstance(journal.arm(post(), by="one", at=NOW), NotArmed)


def test_nothing_is_armed_in_the_margin_before_the_claims_end_nor_by_another(journal: Journal) -> None:
    journal.keep([post()], at=NOW)
    assert isinstance(journal.arm(post(), by="one", at=NOW + 6 * HOUR - MINUTE), NotArmed)
    assert isinstance(journal.arm(post(), by="two", at=NOW), NotArmed)
    assert journal.arm(post(), by="one", at=NOW + 6 * HOUR - MINUTE - 1) == Armed()


def test_an_earlier_claim_of_a_post_arms_nothing(journal: Journal) -> None:
    journal.keep([post(attempt=1)], at=NOW)
    journal.record(failed(post(attempt=1), "rejected"), attempt=1)
    journal.keep([post(attempt=2)], at=NOW)
    assert isinstance(journal.arm(post(attempt=1), by="one", at=NOW), NotArmed)
    assert journal.arm(post(attempt=2), by="one", at=NOW) == Armed()


def test_a_copy_from_postgres_never_sets_back_what_happened_here(journal: Journal) -> None:
    journal.keep([post()], at=NOW)
    journal.arm(post(), by="one", at=NOW)
    journal.keep([post()], at=NOW + 1)
    assert journal.claims()[0].state is State.ARMED


def test_the_first_id_of_a_post_stays(journal: Journal) -> None:
    journal.keep([post()], at=NOW)
    assert journal.record(confirmed(post(), 99, {"response": 99}), attempt=1)
    assert not journal.record(confirmed(post(), 100, {}), attempt=1)
    assert not journal.record(failed(post(), "no toast"), attempt=1)
    assert (journal.claims()[0].state, journal.claims()[0].site_id) == (State.CONFIRMED, 99)
    assert [entry.write for entry in journal.waiting()] == [PostConfirmed(1, 5, 99, "one", NOW, {"response": 99})]


def test_an_id_is_kept_even_where_the_claim_was_lost(journal: Journal) -> None:
    assert journal.record(confirmed(post(), 99, {}), attempt=1)
    assert len(journal.waiting()) == 1


def test_only_a_claimed_post_is_released(journal: Journal) -> None:
    journal.keep([post(1), post(2)], at=NOW)
    journal.arm(post(2), by="one", at=NOW)
    assert journal.record(released(post(1), "off"), attempt=1)
    assert not journal.record(released(post(2), "off"), attempt=1)
    assert [kept.post.id for kept in journal.claims()] == [2]
    assert journal.waiting()[-1].write == PostReleased(1, 5, "off", "one", NOW)


def test_a_settled_post_is_forgotten_once_postgres_knows(journal: Journal) -> None:
    journal.keep([post(1), post(2)], at=NOW)
    journal.record(confirmed(post(1), 99, {}), attempt=1)
    assert journal.prune(before=NOW + 1) == 0, "its confirmation still waits"
    journal.done(entry.id for entry in journal.waiting())
    assert journal.prune(before=NOW + 1) == 1
    assert [kept.post.id for kept in journal.claims()] == [2]


def test_writes_wait_in_order_and_each_once(journal: Journal) -> None:
    assert journal.append([("a", flag(1)), ("b", flag(2))]) == 2
    assert journal.append([("b", flag(3)), ("c", flag(4))]) == 1
    assert [(entry.id, entry.write) for entry in journal.waiting()] == [
        ("a", flag(1)),
        ("b", flag(2)),
        ("c", flag(4)),
    ]
    journal.done(["a", "c"])
    assert [entry.id for entry in journal.waiting()] == ["b"]


def test_writes_are_appended_all_or_none(journal: Journal) -> None:
    with pytest.raises(ValueError, match="JSON"):
        journal.append([("a", flag(1)), ("b", Flag("MODE", float("nan"), NOW, "ann"))])
    assert journal.waiting() == ()


def test_what_postgres_will_never_take_is_set_aside_and_kept(journal: Journal) -> None:
    journal.append([("a", flag(1)), ("b", flag(2))])
    journal.reject(journal.waiting()[0], "no such thing")
    assert [entry.id for entry in journal.waiting()] == ["b"]
    assert [(each.id, each.why) for each in journal.rejected()] == [("a", "no such thing")]
    assert journal.statistics().rejected == 1


def test_an_entry_of_an_unknown_kind_does_not_block_those_behind_it(path: Path, journal: Journal) -> None:
    journal.append([("a", flag(1))])
    with sqlite3.connect(path) as foreign:
        foreign.execute("insert into outbox (id, kind, fields) values ('z', 'FromTheFuture', '{}')")
    journal.append([("b", flag(2))])
    assert [entry.id for entry in journal.waiting()] == ["a", "b"]
    assert [each.kind for each in journal.rejected()] == ["FromTheFuture"]


def test_the_last_value_seen_is_recalled(journal: Journal) -> None:
    assert journal.recall("model") is None
    journal.remember("model", {"version": 1}, at=NOW)
    journal.remember("model", {"version": 2}, at=NOW + 1)
    assert journal.recall("model") == Cached({"version": 2}, NOW + 1)


def test_a_full_disk_is_a_journal_unavailable_and_loses_nothing(path: Path, journal: Journal) -> None:
    journal.append([("a", flag(1))])
    (pages,) = journal._connection.execute("pragma page_count").fetchone()
    journal._connection.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(JournalUnavailable, match=r"full.*make room"):
        journal.append([(f"big {number}", Flag("MODE", "x" * 5000, NOW, "ann")) for number in range(20)])
    assert [entry.id for entry in journal.waiting()] == ["a"]

    journal._connection.execute("pragma max_page_count = 1000000")
    assert journal.append([("b", flag(2))]) == 1, "it goes on by itself when there is room"


def test_a_journal_whose_file_is_gone_says_so_instead_of_writing_into_nothing(path: Path, journal: Journal) -> None:
    path.unlink()
    with pytest.raises(JournalUnavailable, match="Nothing is published without it"):
        journal.append([("a", flag(1))])


def test_a_directory_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalUnavailable, match="read and write that directory"):
        Journal.open(tmp_path / "file" / "journal.sqlite", now=NOW)


def test_a_journal_of_a_newer_roost_is_left_alone(path: Path, journal: Journal) -> None:
    with sqlite3.connect(path) as newer:
        newer.execute("pragma user_version = 99")
    with pytest.raises(JournalUnavailable, match="written by a newer Roost"):
        Journal.open(path, now=NOW)
    assert path.exists()


def test_it_belongs_to_one_thread(journal: Journal) -> None:
    raised: list[BaseException] = []

    def use() -> None:
        try:
            journal.waiting()
        except sqlite3.ProgrammingError as error:
            raised.append(error)

    other = threading.Thread(target=use)
    other.start()
    other.join()
    assert len(raised) == 1


def test_a_commit_is_on_the_disk_when_it_returns(journal: Journal) -> None:
    assert journal._connection.execute("pragma synchronous").fetchone() == (2,), "full"
    assert journal._connection.execute("pragma journal_mode").fetchone() == ("wal",)
