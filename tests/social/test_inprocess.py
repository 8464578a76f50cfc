"""The site in process keeps what the page driver keeps: the send boundary, and errors by kind."""

import asyncio

import pytest

from domain.calendar import HOUR
from social.inprocess import InProcessSite
from social.sandbox.network import Network
from social.sandbox.storage import Storage
from social.site import Draft, Evidence, Missing, NotArmed, Published, Rejected

NOW = 1_800_000_000.0


@pytest.fixture
def site() -> InProcessSite:
    return InProcessSite(Network(Storage(None), seed=3, handle="roost"), lambda: NOW)


async def arm() -> None:
    """Lets the request through."""


async def refuse() -> None:
    raise RuntimeError("the disk is full")


def publish(site: InProcessSite, draft: Draft) -> Published:
    return asyncio.run(site.publish(None, draft, arm))


def test_what_is_published_shows_on_the_profile_with_its_counts(site: InProcessSite) -> None:
    published = publish(site, Draft("A short walk after lunch clears the head."))
    assert published.evidence is Evidence.CREATE_RESPONSE
    profile = asyncio.run(site.profile(None, "Roost"))
    assert [post.id for post in profile.posts] == [published.id]
    assert "Automated account" in profile.bio
    later = InProcessSite(site.network, lambda: NOW + 6 * HOUR)
    assert asyncio.run(later.counts(None, "roost", published.id)).views > 0


def test_nothing_is_sent_where_arming_fails(site: InProcessSite) -> None:
    with pytest.raises(NotArmed, match="the disk is full"):
        asyncio.run(site.publish(None, Draft("A short walk after lunch."), refuse))
    assert asyncio.run(site.profile(None, "roost")).posts == ()


def test_a_reply_shows_whom_it_answers_and_only_among_the_replies(site: InProcessSite) -> None:
    parent = asyncio.run(site.search(None, "sleep"))[0]
    reply = publish(site, Draft("Light in the morning did it for me.", in_reply_to=parent.id))
    assert asyncio.run(site.profile(None, "roost")).posts == ()
    (shown,) = asyncio.run(site.profile(None, "roost", replies=True)).posts
    assert (shown.id, shown.reply_to) == (reply.id, parent.author)


def test_a_reply_to_nothing_is_missing_before_it_is_armed(site: InProcessSite) -> None:
    with pytest.raises(Missing):
        asyncio.run(site.publish(None, Draft("Well said.", in_reply_to=12), refuse))


def test_a_duplicate_is_found_by_its_watermark_and_else_is_not_definite(site: InProcessSite) -> None:
    first = publish(site, Draft("A short walk after lunch."))
    assert publish(site, Draft("A short walk after lunch.", watermark=first.id - 1)).id == first.id
    with pytest.raises(Rejected) as refused:
        publish(site, Draft("A short walk after lunch."))
    assert not refused.value.definite


def test_a_strangers_counts_are_not_the_own_ones(site: InProcessSite) -> None:
    stranger = asyncio.run(site.search(None, "sleep"))[0]
    with pytest.raises(Missing):
        asyncio.run(site.counts(None, "roost", stranger.id))
    assert asyncio.run(site.counts(None, stranger.author, stranger.id)) == stranger.counts
