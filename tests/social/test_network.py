"""The site's own logic, in process: what it takes, what it refuses, what it shows."""

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import DAY, HOUR, MINUTE
from social.sandbox.network import DUPLICATE, EMPTY, NO_PARENT, TOO_LONG, Created, Network, Refused
from social.sandbox.storage import Storage

NOON = 1_795_262_400.0


def a_network(home: Path | None = None, seed: int = 7) -> Network:
    return Network(Storage(home), seed, "roost")


@pytest.fixture
def network() -> Network:
    return a_network()


def posted(network: Network, text: str, now: float, in_reply_to: int | None = None) -> int:
    made = network.publish(text, now, in_reply_to)
    assert isinstance(made, Created)
    return made.post.id


@settings(max_examples=10, deadline=None)
@given(times=st.lists(st.floats(NOON - DAY, NOON + DAY), min_size=2, max_size=12), restart=st.integers(0, 11))
def test_ids_only_grow_whatever_the_clock_and_the_restarts(times: list[float], restart: int) -> None:
    with TemporaryDirectory() as home:
        network, ids = a_network(Path(home)), []
        for number, now in enumerate(times):
            if number == restart:
                network.storage.close()
                network = a_network(Path(home))
            ids.append(posted(network, f"post {number}", now))
        assert ids == sorted(set(ids))
        network.storage.close()


def test_an_id_tells_the_time_of_its_post(network: Network) -> None:
    post_id = posted(network, "hello", NOON)
    assert ((post_id >> 22) + 1_288_834_974_657) / 1000 == NOON


@pytest.mark.parametrize(("text", "code"), [("x" * 281, TOO_LONG), (" \n", EMPTY)])
def test_what_is_too_long_or_empty_is_refused(network: Network, text: str, code: int) -> None:
    refused = network.publish(text, NOON)
    assert isinstance(refused, Refused)
    assert refused.code == code
    assert network.storage.posts() == []


def test_a_post_of_exactly_280_characters_is_taken(network: Network) -> None:
    assert isinstance(network.publish("x" * 280, NOON), Created)


def test_the_same_text_is_a_duplicate_for_a_day(network: Network) -> None:
    posted(network, "say it once", NOON)
    again = network.publish("say  it once ", NOON + 23 * HOUR)
    assert again == Refused(DUPLICATE, "Whoops! You already said that.")
    assert isinstance(network.publish("say it once", NOON + 25 * HOUR), Created)


def test_the_same_text_may_answer_two_people(network: Network) -> None:
    one, two = islice(network.strangers.newest(NOON), 2)
    posted(network, "thank you", NOON, one.id)
    posted(network, "thank you", NOON, two.id)
    assert isinstance(network.publish("thank you", NOON, one.id), Refused)


def test_nobody_can_answer_a_post_that_is_not_there(network: Network) -> None:
    refused = network.publish("hello?", NOON, 12345)
    assert isinstance(refused, Refused)
    assert refused.code == NO_PARENT


def test_a_thread_stands_under_its_first_post(network: Network) -> None:
    first = posted(network, "one", NOON)
    second = posted(network, "two", NOON + 1, first)
    assert [post.id for post in network.answers(first, NOON + 2)] == [second]
    assert [post.id for post in network.profile("roost", NOON + 2)] == [first]
    assert [post.id for post in network.profile("roost", NOON + 2, replies=True)] == [second, first]
    found = network.find(first, NOON + 2)
    assert found is not None
    assert found.tally.replies == 1


def test_a_site_that_was_started_again_shows_the_same(tmp_path: Path) -> None:
    before = a_network(tmp_path, seed=7)
    for number in range(5):
        posted(before, f"sleep tip number {number}", NOON + number * HOUR)
    later = NOON + DAY
    shown = before.home(later), before.profile("roost", later), before.person("roost", later)
    before.storage.close()
    after = a_network(tmp_path, seed=8)  # a home keeps the seed that it was made with
    assert (after.home(later), after.profile("roost", later), after.person("roost", later)) == shown


def test_followers_come_and_stay(network: Network) -> None:
    for number in range(30):
        posted(network, f"What helps your sleep, question {number}?", NOON + number * HOUR)
    series = [network.followers(NOON + hour * HOUR) for hour in range(0, 72, 3)]
    assert series == sorted(series)
    assert series[-1] > series[0]


def test_the_timeline_is_everybodys_newest_first(network: Network) -> None:
    mine = posted(network, "hello", NOON - HOUR)
    ids = [post.id for post in network.home(NOON, limit=200)]
    assert ids == sorted(set(ids), reverse=True)
    assert mine in ids
    assert len(ids) == 200


def test_strangers_tell_the_same_past_at_any_time(network: Network) -> None:
    early = {post.id: post.text for post in islice(network.strangers.newest(NOON), 100)}
    later = {post.id: post.text for post in islice(network.strangers.newest(NOON + HOUR), 300)}
    assert early.items() <= later.items()


def test_any_stranger_post_is_found_by_its_id_alone(network: Network) -> None:
    for post in islice(network.strangers.newest(NOON), 300):
        assert network.strangers.find(post.id, NOON) == post
        assert network.strangers.find(post.id, post.at - 1) is None
        assert network.strangers.find(post.id + 1, NOON) is None


def test_search_finds_words_and_authors(network: Network) -> None:
    found = network.search("sleep", NOON, live=True)
    assert len(found) == 50
    assert all("sleep" in post.text.lower() for post in found)
    assert [post.id for post in found] == sorted((post.id for post in found), reverse=True)
    author = found[0].handle
    assert {post.handle for post in network.search(f"from:{author}", NOON)} == {author}
    assert network.search("zzzz", NOON) == []


def test_a_lagging_profile_hides_what_is_young(network: Network) -> None:
    old, young = posted(network, "old", NOON - HOUR), posted(network, "young", NOON - MINUTE)
    assert [post.id for post in network.profile("roost", NOON)] == [young, old]
    assert [post.id for post in network.profile("roost", NOON, lag=10 * MINUTE)] == [old]


def test_a_removed_post_is_shown_nowhere_and_stays_so_after_a_restart(tmp_path: Path) -> None:
    network = a_network(tmp_path)
    stays, goes = posted(network, "walks after lunch", NOON), posted(network, "naps after lunch", NOON + MINUTE)
    before = network.followers(NOON + DAY)
    assert network.remove(goes, NOON + DAY)
    assert not network.remove(goes, NOON + DAY)
    network.storage.close()
    network = a_network(tmp_path)
    assert [post.id for post in network.profile("roost", NOON + DAY)] == [stays]
    assert network.find(goes, NOON + DAY) is None
    assert network.followers(NOON + DAY) == before, "who came by it stays"
    assert posted(network, "another one", NOON) > goes, "its id is never given again"
    network.storage.close()
