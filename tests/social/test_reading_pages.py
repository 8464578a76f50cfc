"""From a page's words to values, without a page."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from social.publishing import Answer, negative_of
from social.reading import compact_count, counts_of, created_id, error_of, post_of, status_of, the_post
from social.sandbox.audience import Tally
from social.sandbox.pages import compact, group_label
from social.site import AccountLocked, Counts, Post, RateLimited, Rejected, SessionExpired

number = st.integers(0, 10**9)


@settings(deadline=None)
@given(st.builds(Tally, views=number, likes=number, replies=number, reposts=number, bookmarks=number))
def test_the_driver_reads_the_exact_counts_that_the_site_says(tally: Tally) -> None:
    said = counts_of(group_label(tally))
    assert said == Counts(tally.replies, tally.reposts, tally.likes, tally.bookmarks, tally.views)


def test_counts_are_read_in_the_singular_and_with_separators() -> None:
    assert counts_of("1 reply, 1 repost, 1 like, 1 bookmark, 1 view") == Counts(1, 1, 1, 1, 1)
    assert counts_of("3 replies, 12 reposts, 88 likes, 5 bookmarks, 1,234 views") == Counts(3, 12, 88, 5, 1234)
    assert counts_of("") == Counts()


@pytest.mark.parametrize(
    ("drawn", "count"),
    [
        ("1,234 Followers", 1234),
        ("12.3K Followers", 12_300),
        ("1 Follower", 1),
        ("2M", 2_000_000),
        ("Followers", None),
    ],
)
def test_followers_are_read_as_drawn(drawn: str, count: int | None) -> None:
    assert compact_count(drawn) == count


@settings(deadline=None)
@given(st.integers(1, 10**9))
def test_a_drawn_count_is_right_to_half_a_step(count: int) -> None:
    read = compact_count(compact(count))
    assert read is not None
    assert abs(read - count) <= count * 0.05 + 0.5


def response(result: object) -> object:
    return {"data": {"create_tweet": {"tweet_results": {"result": result}}}}


AUTHOR = {"user_results": {"result": {"rest_id": "42"}}}


def test_the_id_of_a_create_response_is_the_posts_and_not_the_authors() -> None:
    assert created_id(response({"core": AUTHOR, "rest_id": "1001"})) == 1001
    assert created_id(response({"__typename": "TweetWithVisibilityResults", "tweet": {"rest_id": "1001"}})) == 1001
    assert created_id(response({"core": AUTHOR})) is None


@pytest.mark.parametrize("odd", [None, [], "x", {"data": None}, response(None), response({"rest_id": "9" * 40})])
def test_an_odd_create_response_has_no_id(odd: object) -> None:
    assert created_id(odd) is None
    assert error_of(odd) is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (64, AccountLocked),
        (226, AccountLocked),
        (326, AccountLocked),
        (186, Rejected),
        (32, SessionExpired),
        (88, RateLimited),
    ],
)
def test_a_known_refusal_is_definite(code: int, kind: type[Exception]) -> None:
    negative = negative_of(Answer(200, {"errors": [{"code": code, "message": "no"}]}, ""))
    assert type(negative) is kind
    assert negative is not None
    assert negative.definite


def test_a_duplicate_is_a_refusal_that_is_not_definite() -> None:
    negative = negative_of(Answer(200, {"errors": [{"code": 187, "message": "again"}]}, ""))
    assert isinstance(negative, Rejected)
    assert not negative.definite


@pytest.mark.parametrize(
    "answer", [Answer(200, {"errors": [{"code": 131}]}, ""), Answer(503, None, ""), Answer(200, 1, "")]
)
def test_what_the_site_says_of_its_own_trouble_is_no_refusal(answer: Answer) -> None:
    assert negative_of(answer) is None


@pytest.mark.parametrize(
    "href", ["", "/roost/status/", "/roost/status/12x", "/a b/status/1", "javascript:/x/status/1"]
)
def test_what_is_no_permalink_is_not_read_as_one(href: str) -> None:
    assert status_of(href) is None


def test_the_post_that_is_meant_has_the_id_and_the_author() -> None:
    viral = Post(1, "stranger", "hello", 0.0, Counts(likes=68_848))
    other = Post(2, "roost", "hello", 0.0, Counts(likes=5))
    mine = Post(1, "Roost", "hello", 0.0, Counts(likes=3))
    assert the_post([viral, other, mine], "roost", 1) is mine
    assert the_post([viral, other], "roost", 1) is None


def test_an_article_without_a_permalink_is_no_post() -> None:
    assert post_of({"link": None, "time": "2026-11-21T10:00:00Z", "text": "ad"}) is None
    assert post_of({"link": "/a/status/1", "time": "yesterday", "text": "ad"}) is None


def test_a_pinned_post_is_known_by_the_line_above_it() -> None:
    raw = {
        "link": "/roost/status/7",
        "time": "2026-11-21T10:00:00.000Z",
        "text": "hi",
        "context": "Pinned",
        "group": "",
    }
    post = post_of(raw)
    assert post is not None
    assert (post.id, post.author, post.is_pinned, post.counts) == (7, "roost", True, Counts())
