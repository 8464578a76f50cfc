from concurrent.futures import ThreadPoolExecutor

import psycopg

from store import lane
from store.lane import Free, Held, Lane, Refused, Stopped
from store.sql import Connection
from tests.store.world import ACCOUNT, NOW, REAL


def test_the_first_to_ask_holds_the_lane_and_the_second_learns_until_when(conn: Connection) -> None:
    assert lane.acquire(conn, ACCOUNT, "one", real_now=REAL) == Held(token=1, until=REAL + 30)
    assert lane.acquire(conn, ACCOUNT, "two", real_now=REAL + 29) == Refused("one", until=REAL + 30)


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_token(conn: Connection) -> None:
    lane.acquire(conn, ACCOUNT, "one", real_now=REAL)
    assert lane.acquire(conn, ACCOUNT, "two", real_now=REAL + 30) == Held(token=2, until=REAL + 60)
    assert lane.renew(conn, Lane(ACCOUNT, "one", 1), real_now=REAL + 31) == Refused("two", until=REAL + 60)


def test_a_restarted_owner_need_not_wait_but_its_old_token_is_void(conn: Connection) -> None:
    lane.acquire(conn, ACCOUNT, "one", real_now=REAL)
    assert lane.acquire(conn, ACCOUNT, "one", real_now=REAL + 1) == Held(token=2, until=REAL + 31)
    assert lane.renew(conn, Lane(ACCOUNT, "one", 1), real_now=REAL + 2) == Refused("one", until=REAL + 31)
    assert not lane.release(conn, Lane(ACCOUNT, "one", 1))


def test_renewing_prolongs_and_never_shortens(conn: Connection) -> None:
    lane.acquire(conn, ACCOUNT, "one", real_now=REAL)
    mine = Lane(ACCOUNT, "one", 1)
    assert lane.renew(conn, mine, real_now=REAL + 10) == Held(token=1, until=REAL + 40)
    lane.renew(conn, mine, real_now=REAL - 100)
    assert lane.holder(conn, ACCOUNT) == Refused("one", until=REAL + 40)


def test_the_token_still_grows_after_a_release(conn: Connection) -> None:
    lane.acquire(conn, ACCOUNT, "one", real_now=REAL)
    assert lane.release(conn, Lane(ACCOUNT, "one", 1))
    assert lane.holder(conn, ACCOUNT) == Free()
    assert lane.renew(conn, Lane(ACCOUNT, "one", 1), real_now=REAL) == Free()
    assert lane.acquire(conn, ACCOUNT, "two", real_now=REAL) == Held(token=2, until=REAL + 30)


def test_of_many_who_ask_at_once_one_gets_it(dsn: str) -> None:
    def ask(number: int) -> Held | Refused:
        with psycopg.connect(dsn, autocommit=True) as conn:
            return lane.acquire(conn, ACCOUNT, f"instance {number}", real_now=REAL)

    with ThreadPoolExecutor(8) as several:
        answers = list(several.map(ask, range(8)))
    assert [answer for answer in answers if isinstance(answer, Held)] == [Held(token=1, until=REAL + 30)]


def test_a_stop_keeps_its_first_reason_until_it_is_cleared(conn: Connection) -> None:
    lane.stop(conn, ACCOUNT, "the session expired", now=NOW)
    lane.stop(conn, ACCOUNT, "something else", now=NOW + 1)
    assert lane.stopped(conn, ACCOUNT) == Stopped("the session expired", at=NOW)
    assert lane.clear_stop(conn, ACCOUNT, now=NOW + 60)
    assert lane.stopped(conn, ACCOUNT) is None
    assert not lane.clear_stop(conn, ACCOUNT, now=NOW + 60)
