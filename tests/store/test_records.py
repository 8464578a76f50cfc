from dataclasses import replace

from domain.calendar import DAY, HOUR
from domain.publishing.states import State
from store import flags, lane, metrics, models, optouts, posts, runs, spend
from store.flags import Flag
from store.metrics import Snapshot
from store.runs import Counts, Heartbeat, Run
from store.spend import Spend
from store.sql import Connection
from store.status import status
from tests.store.world import ACCOUNT, NOW, held, one_claimed, queued, snapshots, token, trail


def published(conn: Connection, text: str, at: float) -> int:
    post = one_claimed(conn, held(conn), text)
    posts.confirm(conn, post.id, token(post), 1000 + post.id, who="one", at=at, evidence={})
    return post.id


def looked_at(conn: Connection, post_id: int, at: float, views: int = 10) -> None:
    assert metrics.save(conn, Snapshot(post_id, at, views, 1, 0, 0, 0))


def looks(conn: Connection, since: float = NOW - DAY) -> list[tuple[int, float | None]]:
    return [(look.post.id, look.last) for look in metrics.last_looks(conn, ACCOUNT, since=since)]


def test_each_published_post_comes_with_the_time_of_its_last_look(conn: Connection) -> None:
    old, young, bare = (published(conn, text, NOW + at) for text, at in (("old", 0), ("young", 9), ("bare", 5)))
    looked_at(conn, old, NOW + 10)
    looked_at(conn, young, NOW + 10)
    looked_at(conn, young, NOW + 11)
    assert looks(conn) == [(young, NOW + 11), (bare, None), (old, NOW + 10)]


def test_an_old_post_is_left_alone_unless_nobody_has_looked_at_it(conn: Connection) -> None:
    seen, bare = published(conn, "seen", NOW), published(conn, "bare", NOW)
    looked_at(conn, seen, NOW + 60)
    assert looks(conn, since=NOW + DAY) == [(bare, None)]


def test_what_is_not_published_or_was_removed_is_not_looked_at(conn: Connection) -> None:
    gone = published(conn, "gone", NOW)
    queued(conn, "planned only")
    posts.mark_removed(conn, gone, who="id_recovery", at=NOW)
    assert looks(conn) == []


def test_what_its_own_page_does_not_show_is_left_to_id_recovery_until_it_is_seen_again(conn: Connection) -> None:
    post = published(conn, "a wren sings", NOW)
    for at in (NOW + 5, NOW + 9):
        posts.missed(conn, post, who="metrics_scraper", at=at, detail={"by": "its own page"})
    assert looks(conn) == []
    assert [(each.post.id, each.since) for each in posts.suspects(conn, ACCOUNT)] == [(post, NOW + 5)]
    for _ in range(2):
        posts.seen_again(conn, post, who="id_recovery", at=NOW + 10)
    assert looks(conn) == [(post, None)]
    assert posts.suspects(conn, ACCOUNT) == ()
    assert trail(conn, post)[-3:] == ["missing", "missing", "seen again"]


def test_what_is_gone_or_was_never_published_is_not_missed(conn: Connection) -> None:
    gone, planned = published(conn, "gone", NOW), queued(conn, "planned only")
    posts.missed(conn, gone, who="metrics_scraper", at=NOW + 5, detail={})
    posts.mark_removed(conn, gone, who="id_recovery", at=NOW + 9)
    for post in (gone, planned):
        posts.missed(conn, post, who="metrics_scraper", at=NOW + 10, detail={})
    assert posts.suspects(conn, ACCOUNT) == ()
    assert trail(conn, gone)[-2:] == ["missing", "removed"]


def test_a_look_that_failed_is_known_until_the_next_one_that_does_not(conn: Connection) -> None:
    post = published(conn, "a wren sings", NOW)
    metrics.look_failed(conn, post, at=NOW + 5)
    (look,) = metrics.last_looks(conn, ACCOUNT, since=NOW - DAY)
    assert (look.last, look.failed) == (None, NOW + 5)
    looked_at(conn, post, NOW + 9)
    (look,) = metrics.last_looks(conn, ACCOUNT, since=NOW - DAY)
    assert (look.last, look.failed) == (NOW + 9, None)


def test_the_same_look_is_kept_once(conn: Connection) -> None:
    post = published(conn, "a wren sings", NOW)
    look = Snapshot(post, NOW + 5, 10, 1, 2, 3, 4)
    assert metrics.save(conn, look)
    assert not metrics.save(conn, replace(look, views=11))
    assert snapshots(conn, post) == (look,)


def test_only_what_is_past_the_gate_is_learned_from(conn: Connection) -> None:
    early, unseen, good = (published(conn, text, NOW) for text in ("early", "unseen", "good"))
    looked_at(conn, early, NOW + HOUR - 1, views=100)
    looked_at(conn, unseen, NOW + HOUR, views=4)
    looked_at(conn, good, NOW + 5, views=1)
    looked_at(conn, good, NOW + HOUR, views=100)
    (seen,) = metrics.seen_enough(conn, ACCOUNT, now=NOW + DAY, min_age=HOUR, min_views=5, since=0)
    assert (seen.post.id, seen.snapshot.taken_at, seen.snapshot.views) == (good, NOW + HOUR, 100)
    assert metrics.seen_enough(conn, ACCOUNT, now=NOW + DAY, min_age=HOUR, min_views=5, since=NOW + 1) == ()


def test_models_are_numbered_and_a_run_that_saves_twice_makes_one(conn: Connection) -> None:
    assert models.newest(conn, ACCOUNT, "posts") is None
    assert models.save(conn, ACCOUNT, "posts", {"arms": 1}, trained_on=3, run_id="a", now=NOW) == 1
    assert models.save(conn, ACCOUNT, "posts", {"arms": 2}, trained_on=4, run_id="b", now=NOW + 1) == 2
    assert models.save(conn, ACCOUNT, "posts", {"arms": 1}, trained_on=3, run_id="a", now=NOW + 2) == 1
    assert models.save(conn, ACCOUNT, "replies", {}, trained_on=0, run_id="a", now=NOW) == 1
    assert models.newest(conn, ACCOUNT, "posts") == models.Model("posts", 2, {"arms": 2}, 4, NOW + 1)


def run(number: int, job: str = "plan", **changes: object) -> Run:
    made = Run(f"run {number}", job, "one", NOW + number, NOW + number + 0.5, "succeeded", 1)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_runs_are_kept_once_and_counted_by_job(conn: Connection) -> None:
    kept = [
        run(1),
        run(2, outcome="failed", reason="the page broke", attempts=3),
        run(3, outcome="failed", reason="the page broke", attempts=3),
        run(4, outcome="skipped", reason="no browser", attempts=0),
        run(5, job="learn", outcome="cancelled", reason="stopping"),
    ]
    assert runs.record(conn, kept) == 5
    assert runs.record(conn, [*kept, run(6)]) == 1
    assert [each.run_id for each in runs.history(conn, job="plan", limit=2)] == ["run 6", "run 4"]
    assert runs.history(conn)[-1] == run(1)
    assert runs.last_successes(conn) == {"plan": NOW + 6.5}
    assert runs.counts(conn, since=NOW) == {"learn": Counts(0, 0, 0, 1), "plan": Counts(2, 2, 1, 0)}
    assert runs.failures(conn, since=NOW) == (("plan", "the page broke", 2),)


def test_late_news_from_the_journal_does_not_set_back_what_is_newer(conn: Connection) -> None:
    assert flags.put(conn, Flag("MODE", "live", NOW + 1, "ann"))
    assert not flags.put(conn, Flag("MODE", "shadow", NOW, "bob"))
    assert flags.every(conn)["MODE"].value == "live"
    beats = [Heartbeat("learn", "one", "waiting", NOW), Heartbeat("plan", "one", "running", NOW + 1)]
    assert runs.beat(conn, beats) == 2
    assert runs.beat(conn, [Heartbeat("plan", "one", "waiting", NOW)]) == 0
    assert runs.heartbeats(conn) == tuple(beats)


def test_a_call_is_paid_once(conn: Connection) -> None:
    call = Spend("call 1", NOW, 0.1, 10, 5, "gpt", "plan")
    assert spend.record(conn, call)
    assert not spend.record(conn, call)
    spend.record(conn, replace(call, call_id="call 2", at=NOW - 1))
    assert spend.since(conn, NOW) == 0.1


def test_opt_outs_are_known_in_lower_case_and_once(conn: Connection) -> None:
    assert optouts.add(conn, "Ann", source="asked", now=NOW)
    assert not optouts.add(conn, "ANN", source="asked", now=NOW)
    assert optouts.every(conn) == {"ann"}


def test_the_status_counts_what_there_is(conn: Connection) -> None:
    assert status(conn, ACCOUNT).published == 0
    post = published(conn, "a wren sings", NOW)
    queued(conn, "planned")
    queued(conn, "waiting", approval="waiting")
    looked_at(conn, post, NOW + 1)
    models.save(conn, ACCOUNT, "posts", {}, trained_on=1, run_id="a", now=NOW)
    seen = status(conn, ACCOUNT)
    assert (seen.published, seen.snapshots, seen.model_version, seen.waiting_for_approval) == (1, 1, 1, 1)
    assert (seen.posts[State.CONFIRMED], seen.posts[State.PLANNED], seen.posts[State.UNKNOWN]) == (1, 2, 0)
    assert isinstance(seen.lane, lane.Refused)
    assert seen.stopped is None


def test_what_a_page_did_not_show_is_null_and_teaches_nothing(conn: Connection) -> None:
    post = published(conn, "a wren sings", NOW)
    hidden = Snapshot(post, NOW + 2 * HOUR, None, 3, 0, 0, 0)
    assert metrics.save(conn, hidden)
    assert snapshots(conn, post) == (hidden,)
    assert looks(conn) == [(post, NOW + 2 * HOUR)], "it was looked at all the same"
    arguments = {"now": NOW + DAY, "min_age": HOUR, "min_views": 0, "since": 0.0}
    assert metrics.seen_enough(conn, ACCOUNT, **arguments) == ()
    looked_at(conn, post, NOW + HOUR, views=100)
    (seen,) = metrics.seen_enough(conn, ACCOUNT, **arguments)
    assert (seen.snapshot.taken_at, seen.snapshot.views) == (NOW + HOUR, 100), "the newest that showed all"
