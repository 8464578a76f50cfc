from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from domain.calendar import DAY, HOUR, MINUTE
from domain.publishing import caps
from domain.publishing.states import State
from store import lane, optouts, posts
from store.posts import Claimed, Duplicate, LaneLost, LaneStopped, OptedOut, Queued
from store.sql import Connection
from tests.store import world
from tests.store.world import ACCOUNT, LATER, NOW, POLICY, REAL, claim, claimed, draft, held, queued, reply, token


def test_the_same_text_is_queued_once(conn: Connection) -> None:
    first = queued(conn, "A wren sings")
    assert posts.queue(conn, ACCOUNT, draft("a  WREN sings"), who="plan", now=NOW) == Duplicate(first, State.PLANNED)


def test_two_planners_at_once_queue_a_text_once(dsn: str) -> None:
    def plan(_: int) -> object:
        with psycopg.connect(dsn, autocommit=True) as conn:
            return posts.queue(conn, ACCOUNT, draft("a wren sings"), who="plan", now=NOW)

    with ThreadPoolExecutor(6) as several:
        answers = list(several.map(plan, range(6)))
    assert sum(isinstance(answer, Queued) for answer in answers) == 1
    assert sum(isinstance(answer, Duplicate) for answer in answers) == 5


@pytest.mark.parametrize(("days", "free"), [(29.9, False), (30.1, True)])
def test_a_published_text_is_free_again_after_thirty_days(conn: Connection, days: float, free: bool) -> None:
    post = world.one_claimed(conn, held(conn))
    posts.confirm(conn, post.id, token(post), 8, who="one", at=NOW, evidence={})
    answer = posts.queue(conn, ACCOUNT, draft(post.body), who="plan", now=NOW + days * DAY)
    assert isinstance(answer, Queued) == free


def test_a_text_that_failed_definitely_is_free_at_once(conn: Connection) -> None:
    post = world.one_claimed(conn, held(conn))
    posts.fail(conn, post.id, token(post), "rejected", who="one", at=NOW)
    assert isinstance(posts.queue(conn, ACCOUNT, draft(post.body), who="plan", now=NOW), Queued)


def test_the_same_text_may_answer_two_posts(conn: Connection) -> None:
    for parent in (11, 12):
        answer = posts.queue(conn, ACCOUNT, reply("well seen", parent, f"author {parent}"), who="r", now=NOW)
        assert isinstance(answer, Queued)


def test_no_reply_is_queued_to_who_opted_out_in_any_spelling(conn: Connection) -> None:
    optouts.add(conn, "WrenLover", source="asked", now=NOW)
    answer = posts.queue(conn, ACCOUNT, reply("well seen", 11, "wrenlover"), who="r", now=NOW)
    assert answer == OptedOut("wrenlover")


def test_a_claim_stores_owner_token_end_and_watermark(conn: Connection) -> None:
    mine = held(conn)
    post = world.one_claimed(conn, mine)
    assert post.claim is not None
    assert (post.claim.owner, post.claim.token, post.claim.until) == ("one", mine.token, NOW + 6 * HOUR)
    assert post.claim.watermark == 7
    assert (post.state, post.attempts) == (State.CLAIMED, 1)
    assert world.now(conn, post) == post
    assert world.trail(conn, post) == ["queued", "claimed"]


def test_only_what_is_due_is_claimed_the_oldest_first_and_three_at_most(conn: Connection) -> None:
    queued(conn, "not yet", due_at=NOW + 1)
    expected = [queued(conn, f"post {number}", due_at=NOW - number) for number in range(5)][::-1][:3]
    mine = held(conn)
    assert [post.id for post in claimed(conn, mine)] == expected
    assert claimed(conn, mine) == (), "three are claimed and not yet published"


def test_two_who_claim_at_once_get_disjoint_posts(dsn: str, conn: Connection) -> None:
    mine = held(conn)
    everything = {queued(conn, f"post {number}") for number in range(6)}

    def take(_: int) -> tuple[int, ...]:
        with psycopg.connect(dsn, autocommit=True) as other:
            # The limit counts both, as both are this instance's.
            return tuple(post.id for post in claimed(other, mine, limit=6))

    with ThreadPoolExecutor(2) as two:
        first, second = two.map(take, range(2))
    assert not set(first) & set(second)
    assert set(first) | set(second) == everything


def test_a_stale_token_claims_nothing(conn: Connection) -> None:
    queued(conn, "a wren sings")
    old = held(conn, "one")
    new = held(conn, "two", real_now=REAL + 31)
    assert claim(conn, old, real_now=REAL + 32) == LaneLost("two")
    assert len(claimed(conn, new, real_now=REAL + 32)) == 1


def test_a_lease_that_has_ended_claims_nothing_even_if_nobody_took_over(conn: Connection) -> None:
    queued(conn, "a wren sings")
    assert claim(conn, held(conn), real_now=REAL + 31) == LaneLost("one")


def test_a_takeover_in_the_middle_of_a_claim_waits_for_it(dsn: str, conn: Connection) -> None:
    queued(conn, "a wren sings")
    mine = held(conn)
    with psycopg.connect(dsn) as other, other.transaction():
        assert len(claimed(other, mine)) == 1
        conn.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            lane.acquire(conn, ACCOUNT, "two", real_now=REAL + 31)
    assert isinstance(lane.acquire(conn, ACCOUNT, "two", real_now=REAL + 31), lane.Held)


def test_a_stopped_account_claims_nothing(conn: Connection) -> None:
    queued(conn, "a wren sings")
    mine = held(conn)
    lane.stop(conn, ACCOUNT, "the session expired", now=NOW)
    assert claim(conn, mine) == LaneStopped("the session expired")


def test_posts_of_one_batch_are_set_apart_by_the_caps(conn: Connection) -> None:
    for number in range(4):
        queued(conn, f"post {number}", due_at=NOW - 10 + number)
    taken = claimed(conn, held(conn), policy=POLICY)
    starts = [(post.publish_at or 0) - NOW for post in taken]
    assert starts[0] == 0
    assert 20 * MINUTE <= starts[1] < 21 * MINUTE
    assert HOUR <= starts[2] < HOUR + MINUTE, "two posts an hour"


def test_what_the_caps_forbid_until_the_claims_end_is_held_back_with_reasons(conn: Connection) -> None:
    for number in range(3):
        queued(conn, f"post {number}")
    answer = claim(conn, held(conn), policy=caps.Policy(posts_a_day=1))
    assert isinstance(answer, Claimed)
    assert len(answer.posts) == 1
    assert [[reason.code for reason in refused.reasons] for _, refused in answer.held_back] == [
        ["posts_day", "spacing"],
        ["posts_day", "spacing"],
    ]


def test_the_caps_hold_across_claims_and_a_failed_post_gives_back_its_charge(conn: Connection) -> None:
    mine = held(conn)
    once = caps.Policy(posts_a_day=1)
    queued(conn, "first")
    (first,) = claimed(conn, mine, policy=once)
    queued(conn, "second")
    assert claimed(conn, mine, policy=once) == ()
    posts.fail(conn, first.id, token(first), "rejected", who="one", at=NOW)
    assert [post.body for post in claimed(conn, mine, policy=once)] == ["second"]


def test_a_reply_waits_for_approval_and_goes_once_it_has_it(conn: Connection) -> None:
    mine = held(conn)
    answer = posts.queue(conn, ACCOUNT, reply("well seen", 11, "ann", approval="waiting"), who="r", now=NOW)
    assert isinstance(answer, Queued)
    assert claimed(conn, mine, what="replies") == ()
    posts.decide(conn, answer.post_ids[0], "approve", who="operator", now=NOW)
    assert len(claimed(conn, mine, what="replies")) == 1


def test_where_approval_is_demanded_only_approved_replies_are_claimed_whatever_they_were_queued_as(
    conn: Connection,
) -> None:
    mine, asked = held(conn), caps.Switches(permitted=True, approval=True)
    posts.queue(conn, ACCOUNT, reply("well seen", 11, "ann"), who="r", now=NOW)
    assert not posts.worth_claiming(conn, mine, now=NOW, policy=POLICY, switches=asked, what="replies")
    answer = claim(conn, mine, what="replies", switches=asked)
    assert answer.posts == ()
    assert [[reason.code for reason in refused.reasons] for _, refused in answer.held_back] == [["not_approved"]]
    posts.queue(conn, ACCOUNT, reply("kindly put", 12, "bob", approval="approved"), who="r", now=NOW)
    assert [post.body for post in claimed(conn, mine, what="replies", switches=asked)] == ["kindly put"]


def test_one_reply_a_thread_and_one_a_week_to_an_author(conn: Connection) -> None:
    mine = held(conn)
    for text, to, author in (("one", 11, "ann"), ("two", 12, "Ann"), ("three", 11, "bob"), ("four", 13, "cid")):
        posts.queue(conn, ACCOUNT, reply(text, to, author), who="r", now=NOW)
    answer = claim(conn, mine, what="replies", policy=POLICY)
    assert [post.body for post in answer.posts] == ["one", "four"]
    assert [refused.reasons[0].code for _, refused in answer.held_back] == ["author", "thread"]


def test_an_opt_out_ends_replies_that_are_queued_already(conn: Connection) -> None:
    mine = held(conn)
    posts.queue(conn, ACCOUNT, reply("well seen", 11, "Ann"), who="r", now=NOW)
    optouts.add(conn, "ann", source="asked", now=NOW)
    assert claimed(conn, mine, what="replies") == ()
    (ended,) = posts.in_state(conn, ACCOUNT, State.FAILED_DEFINITE)
    assert ended.failure == "the author opted out of replies"


def test_switched_off_posting_claims_nothing(conn: Connection) -> None:
    queued(conn, "a wren sings")
    off = caps.Switches(permitted=True, posting=False)
    assert claimed(conn, held(conn), switches=off) == ()


def thread(conn: Connection, *texts: str) -> tuple[int, ...]:
    parts = tuple(draft(text, kind="thread_part") for text in texts)
    answer = posts.queue_thread(conn, ACCOUNT, parts, who="plan", now=NOW)
    assert isinstance(answer, Queued)
    return answer.post_ids


def test_a_thread_is_claimed_whole_and_charged_once(conn: Connection) -> None:
    parts = thread(conn, "one", "two", "three")
    single = queued(conn, "a wren sings")
    taken = claimed(conn, held(conn), policy=caps.Policy(posts_an_hour=2, between_posts=0.0))
    assert tuple(post.id for post in taken) == (*parts, single)


def test_a_thread_with_a_text_twice_is_not_queued_at_all(conn: Connection) -> None:
    parts = tuple(draft(text, kind="thread_part") for text in ("one", "two", "One"))
    assert isinstance(posts.queue_thread(conn, ACCOUNT, parts, who="plan", now=NOW), Duplicate)
    assert posts.queued(conn, ACCOUNT) == ()


def test_a_thread_goes_on_after_the_part_that_is_out_and_answers_it(conn: Connection) -> None:
    one, two, three = thread(conn, "one", "two", "three")
    mine = held(conn)
    first, second, third = claimed(conn, mine)
    posts.confirm(conn, one, token(first), 100, who="one", at=NOW, evidence={})
    for part in (second, third):
        posts.release(conn, part.id, token(part), "switched off", who="one", at=NOW)
    assert [(post.id, post.parent_site_id) for post in claimed(conn, mine)] == [(two, 100), (three, None)]


def test_a_thread_waits_while_a_part_of_it_is_unknown(conn: Connection) -> None:
    thread(conn, "one", "two")
    mine = held(conn)
    first, second = claimed(conn, mine)
    posts.release(conn, second.id, token(second), "the part before is unknown", who="one", at=NOW)
    posts.lose_sight(conn, first.id, token(first), "the page closed", who="one", at=NOW)
    assert claimed(conn, mine) == ()
    posts.reconcile(conn, first.id, 100, who="id_recovery", at=NOW, evidence={})
    assert [post.id for post in claimed(conn, mine)] == [second.id]


def test_another_instances_claim_is_left_alone_until_its_end_and_then_unknown(conn: Connection) -> None:
    post = world.one_claimed(conn, held(conn, "one"))
    other = held(conn, "two", real_now=REAL + 31)
    assert claimed(conn, other, real_now=REAL + 32) == ()
    assert posts.sweep_ended(conn, other, now=NOW + 6 * HOUR, real_now=REAL + 32) == ()
    assert posts.sweep_ended(conn, other, now=LATER, real_now=REAL + 32) == (post.id,)
    assert world.now(conn, post).state is State.UNKNOWN
    assert claimed(conn, other, now=LATER, real_now=REAL + 32) == (), "an unknown post is never claimed again"


def test_own_claims_are_not_swept_since_the_journal_knows_more(conn: Connection) -> None:
    mine = held(conn)
    post = world.one_claimed(conn, mine)
    assert posts.sweep_ended(conn, mine, now=LATER, real_now=REAL) == ()
    assert posts.own_claims(conn, mine) == (post,)


def test_the_rest_of_a_thread_is_not_charged_again_and_does_not_wait_for_the_caps(conn: Connection) -> None:
    thread(conn, "one", "two")
    mine, once = held(conn), caps.Policy(posts_a_day=1)
    first, second = claimed(conn, mine, policy=once)
    posts.confirm(conn, first.id, token(first), 100, who="one", at=NOW, evidence={})
    posts.release(conn, second.id, token(second), "its run ended", who="one", at=NOW)
    assert [post.id for post in claimed(conn, mine, policy=once)] == [second.id]
    assert len(posts.charged(conn, ACCOUNT, since=0.0)) == 1


def test_the_rest_of_a_thread_ends_with_a_part_that_failed_and_comes_back_with_it(conn: Connection) -> None:
    one, two, three = thread(conn, "one", "two", "three")
    mine = held(conn)
    first, *rest = claimed(conn, mine)
    posts.fail(conn, one, token(first), "refused", who="one", at=NOW)
    for part in rest:
        posts.release(conn, part.id, token(part), "its part before failed", who="one", at=NOW)
    posts.sweep_ended(conn, mine, now=NOW, real_now=REAL)
    assert {world.now(conn, each).state for each in (two, three)} == {State.FAILED_DEFINITE}
    posts.decide(conn, one, "retry", who="ann", now=NOW)
    assert [post.id for post in claimed(conn, mine)] == [one, two, three]


def test_a_claim_ahead_is_published_when_the_post_is_due(conn: Connection) -> None:
    post_id = queued(conn, "later", due_at=NOW + 2 * HOUR)
    mine = held(conn)
    assert claimed(conn, mine) == ()
    (post,) = claimed(conn, mine, ahead=3 * HOUR)
    assert (post.id, post.publish_at) == (post_id, NOW + 2 * HOUR)


def test_nothing_is_claimed_for_the_margin_at_a_claims_end(conn: Connection) -> None:
    queued(conn, "later", due_at=NOW + 5 * HOUR)
    queued(conn, "sooner", due_at=NOW + 5 * HOUR - MINUTE)
    mine = held(conn)
    taken = claimed(conn, mine, ahead=5 * HOUR, policy=POLICY, margin=50 * MINUTE)
    assert [post.body for post in taken] == ["sooner"], "20 minutes later its claim would be nearly over"


def test_it_is_known_beforehand_whether_a_claim_would_take_anything(conn: Connection) -> None:
    def worth() -> bool:
        return posts.worth_claiming(conn, mine, now=NOW, policy=once, switches=world.OPEN)

    mine, once = held(conn), caps.Policy(posts_a_day=1)
    assert not worth()
    queued(conn, "one")
    assert worth()
    claimed(conn, mine, policy=once)
    queued(conn, "two")
    assert not worth(), "the caps forbid it"
