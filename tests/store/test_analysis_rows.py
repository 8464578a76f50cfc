"""What was measured and concluded, as rows: nothing twice, the newest in force, every move reversible."""

from dataclasses import replace

import pytest

from domain.analysis.attribution import Published, Sample
from domain.analysis.insights import Insight
from domain.analysis.knobs import FLOOR, POSTS_A_DAY, Setting
from domain.analysis.outcomes import Outcome
from domain.analysis.peers import PeerPost, standing
from domain.analysis.report import Growth
from domain.analysis.rollups import Judged, rolled
from domain.analysis.trends import Trend
from domain.calendar import DAY, HOUR
from store import metrics, optouts, posts
from store.analysis import attribution, followers, insights, knobs, outcomes, peers, rollups
from store.analysis.attribution import Candidate
from store.metrics import Snapshot
from store.sql import Connection
from tests.store.test_records import looked_at, published
from tests.store.world import ACCOUNT, NOW

OUTCOME = Outcome(NOW + HOUR, HOUR, 100, 10.0, 0.1, 40.0, 0.5, 0.2)


def test_growth_is_against_the_newest_count_of_a_day_and_a_week_before(conn: Connection) -> None:
    assert followers.growth(conn, ACCOUNT, now=NOW) is None
    for days, count in ((9, 10), (2, 20), (0, 50)):
        assert followers.save(conn, ACCOUNT, Sample(NOW - days * DAY, count))
    assert not followers.save(conn, ACCOUNT, Sample(NOW, 51))
    assert followers.growth(conn, ACCOUNT, now=NOW) == Growth(50, 30, 40)
    assert followers.growth(conn, ACCOUNT, now=NOW - 8.5 * DAY) == Growth(10, None, None)
    assert [sample.followers for sample in followers.series(conn, ACCOUNT, since=NOW - 3 * DAY)] == [20, 50]


def test_a_post_is_judged_again_when_it_was_counted_or_credited_since(conn: Connection) -> None:
    post = published(conn, "a wren sings", NOW)
    assert outcomes.unjudged(conn, ACCOUNT, since=NOW - DAY) == ()
    looked_at(conn, post, NOW + HOUR, views=100)
    (found,) = outcomes.unjudged(conn, ACCOUNT, since=NOW - DAY)
    assert (found.post_id, found.published_at, found.followers) == (post, NOW, 0.0)
    assert [look.views for look in found.looks] == [100]
    assert outcomes.save(conn, post, OUTCOME, now=NOW + HOUR)
    assert outcomes.unjudged(conn, ACCOUNT, since=NOW - DAY) == ()
    candidate = Candidate(Published(post, NOW), 100)
    attribution.save(conn, candidate, 2.0, now=NOW + 2 * HOUR)
    (credited,) = outcomes.unjudged(conn, ACCOUNT, since=NOW - DAY)
    assert credited.followers == 2.0
    outcomes.save(conn, post, OUTCOME, now=NOW + 3 * HOUR)
    attribution.save(conn, candidate, 2.0, now=NOW + 4 * HOUR)
    assert outcomes.unjudged(conn, ACCOUNT, since=NOW - DAY) == ()
    assert not outcomes.save(conn, post, replace(OUTCOME, taken_at=NOW), now=NOW + 5 * HOUR)
    assert outcomes.verdicts(conn, ACCOUNT, since=NOW - DAY) == {"as expected": 1}


def test_the_optimizers_evidence_counts_the_posts_of_the_day_before(conn: Connection) -> None:
    ids = [published(conn, text, NOW + at) for text, at in (("one", 0), ("two", HOUR), ("three", 2 * DAY))]
    for post in ids:
        outcomes.save(conn, post, OUTCOME, now=NOW + 3 * DAY)
    found = outcomes.samples(conn, ACCOUNT, since=NOW - DAY, min_age=HOUR)
    assert [sample.before for sample in found] == [0, 1, 0]
    assert outcomes.samples(conn, ACCOUNT, since=NOW - DAY, min_age=2 * HOUR) == ()


def test_a_removed_post_was_seen_and_still_has_its_share(conn: Connection) -> None:
    post = published(conn, "gone", NOW)
    looked_at(conn, post, NOW + HOUR, views=50)
    posts.mark_removed(conn, post, who="id_recovery", at=NOW + DAY)
    (candidate,) = attribution.candidates(conn, ACCOUNT, since=NOW - DAY)
    assert (candidate.post.id, candidate.views) == (post, 50)
    attribution.save(conn, candidate, 1.5, now=NOW + DAY)
    assert attribution.gained(conn, ACCOUNT, since=NOW - DAY) == {post: 1.5}
    assert conn.execute("select conversion from attributions").fetchone() == (0.03,)


def test_rollups_are_replaced_as_a_whole_and_the_newest_report_is_shown(conn: Connection) -> None:
    one = rolled([Judged(NOW, "post", "sleep", "tip", "plain", 10, 1.0)])
    other = rolled([Judged(NOW, "post", "focus", "list", "plain", 10, 1.0)])
    for made in (one, other):
        rollups.replace(conn, ACCOUNT, "own", made, now=NOW)
    rollups.replace(conn, ACCOUNT, "peers", one, now=NOW)
    assert rollups.every(conn, ACCOUNT, "own") == other
    assert rollups.every(conn, ACCOUNT, "peers") == one
    assert rollups.newest_report(conn, ACCOUNT) is None
    for at in (NOW + 1, NOW):
        rollups.save_report(conn, ACCOUNT, {"posts": at - NOW}, now=at)
    assert rollups.newest_report(conn, ACCOUNT) == {"posts": 1.0, "at": NOW + 1}


def found(text: str) -> Insight:
    return Insight("topic", "sleep", "more", text, 1.5)


def test_the_newest_run_of_each_source_speaks_and_a_run_speaks_once(conn: Connection) -> None:
    def save(source: str, run_id: str, at: float, *texts: str) -> int:
        made = [found(text) for text in texts]
        return insights.save(conn, ACCOUNT, source, made, made_by="rule", run_id=run_id, now=at)

    assert save("expert", "a", NOW, "old one", "old two") == 2
    assert save("expert", "b", NOW + HOUR, "new one", "new two") == 2
    assert save("expert", "b", NOW + HOUR, "new one", "new two") == 0
    assert save("rivals", "c", NOW, "try this") == 1
    texts = [each.text for each in insights.newest(conn, ACCOUNT, since=NOW - 1)]
    assert texts == ["new one", "try this", "new two"]
    assert insights.newest(conn, ACCOUNT, since=NOW + DAY) == ()


def turned(conn: Connection, was: float, value: float, at: float) -> knobs.Move | None:
    return knobs.move(conn, ACCOUNT, FLOOR, was=was, value=value, who="optimizer", evidence={"posts": 12}, now=at)


def test_a_knob_stands_where_its_last_move_put_it(conn: Connection) -> None:
    assert knobs.settings(conn, ACCOUNT) == {}
    assert turned(conn, 0.05, 0.07, NOW)
    assert turned(conn, 0.07, 0.06, NOW + HOUR)
    assert turned(conn, 0.07, 0.09, NOW + HOUR) is None
    assert knobs.settings(conn, ACCOUNT) == {FLOOR: Setting(0.06, NOW + HOUR, -1)}
    assert [move.evidence for move in knobs.history(conn, ACCOUNT)] == [{"posts": 12}] * 2


def test_any_move_can_be_taken_back_once(conn: Connection) -> None:
    first, second = turned(conn, 0.05, 0.07, NOW), turned(conn, 0.07, 0.09, NOW + HOUR)
    assert first is not None
    assert second is not None
    back = knobs.revert(conn, ACCOUNT, first.id, who="ann", now=NOW + DAY)
    assert isinstance(back, knobs.Move)
    assert (back.was, back.value, back.reverts) == (0.09, 0.05, first.id)
    assert knobs.values(conn, ACCOUNT) == {FLOOR: 0.05}
    assert POSTS_A_DAY not in knobs.settings(conn, ACCOUNT)
    for move_id, why in ((first.id, "taken back already"), (99, "no move 99")):
        answer = knobs.revert(conn, ACCOUNT, move_id, who="ann", now=NOW + DAY)
        assert isinstance(answer, knobs.NotReverted)
        assert why in answer.why


def peer(number: int, author: str = "ada", **changes: object) -> PeerPost:
    made = PeerPost(number, author, NOW, NOW + HOUR, "sleep", "tip", "plain", 100, 5, 0, 0, 0)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_peers_post_is_kept_once_with_its_newest_counts(conn: Connection) -> None:
    assert peers.save(conn, [(peer(1), "early light"), (peer(2), "late light")]) == 2
    grown = peer(1, seen_at=NOW + DAY, likes=50)
    assert peers.save(conn, [(grown, "early light"), (peer(2, seen_at=NOW), "late light")]) == 0
    assert set(peers.posts(conn, since=NOW - 1)) == {grown, peer(2)}
    assert {each.text for each in peers.said(conn, since=NOW - 1)} == {"early light", "late light"}
    peers.mark_viral(conn, [1])
    peers.mark_viral(conn, [2])
    assert conn.execute("select id from peer_posts where is_viral").fetchall() == [(2,)]
    assert peers.forget(conn, before=NOW + 1) == 2


def test_who_opted_out_is_not_visited(conn: Connection) -> None:
    peers.save(conn, [(peer(1, "Ada"), "a"), (peer(2, "Bob", likes=9), "b")])
    assert peers.authors(conn) == ("Bob", "Ada")
    optouts.add(conn, "ADA", source="asked", now=NOW)
    assert peers.authors(conn) == ("Bob",)


def test_visits_are_a_series_and_news_is_replaced(conn: Connection) -> None:
    for at in (NOW, NOW + HOUR):
        assert peers.save_visit(conn, "ada", 500, standing([peer(1)]), now=at)
    assert not peers.save_visit(conn, "ada", 501, standing([]), now=NOW)
    assert peers.visited(conn) == {"ada": NOW + HOUR}
    for term in ("old", "new"):
        peers.replace_trends(conn, ACCOUNT, [Trend("sleep", term, 5, 0, 9.0)], now=NOW)
    assert peers.trends(conn, ACCOUNT) == (Trend("sleep", "new", 5, 0, 9.0),)


def test_nothing_of_it_outlives_its_post(conn: Connection) -> None:
    post = published(conn, "a wren sings", NOW)
    outcomes.save(conn, post, OUTCOME, now=NOW)
    attribution.save(conn, Candidate(Published(post, NOW), 1), 1.0, now=NOW)
    conn.execute("delete from posts")
    assert conn.execute(
        "select (select count(*) from outcomes) + (select count(*) from attributions)"
    ).fetchone() == (pytest.approx(0),)


def test_a_look_that_showed_no_views_is_no_look_for_an_outcome(conn: Connection) -> None:
    post = published(conn, "a wren sings", NOW)
    assert metrics.save(conn, Snapshot(post, NOW + HOUR, None, 1, 0, 0, 0))
    assert outcomes.unjudged(conn, ACCOUNT, since=NOW - DAY) == ()
    looked_at(conn, post, NOW + 2 * HOUR, views=100)
    (found,) = outcomes.unjudged(conn, ACCOUNT, since=NOW - DAY)
    assert [look.views for look in found.looks] == [100]
