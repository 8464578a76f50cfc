"""The real site's shapes of what is read, in a real browser: whose page, which list, which part of which post."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from social.driver import PageSite
from social.navigation import Timeouts
from social.site import (
    Counts,
    Draft,
    Evidence,
    PageBroken,
    Post,
    Profile,
    Published,
    Restricted,
    SessionExpired,
    SiteError,
    Unproven,
    Wording,
    WrongLanguage,
)
from tests.social.conftest import Browsing, SandboxProcess

PATIENT = Timeouts(
    load=30, compose=15, arm=10, response=15, toast=0.3, looks=1, proof=2.0, quiet=8.0, gather=300.0
)  # what is there is found, however slow the machine
SHORT = Timeouts(load=1.5, proof=0.1, quiet=0.5)
numbers = count(1)


def create(sandbox: SandboxProcess, text: str) -> int:
    """A post made by hand, without a page."""
    cookies = {cookie["name"]: cookie["value"] for cookie in sandbox.call("/__sandbox/session")["cookies"]}
    at = urlsplit(sandbox.base)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=10)
    headers = {
        "content-type": "application/json",
        "x-csrf-token": cookies["ct0"],
        "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    connection.request(
        "POST", "/i/api/graphql/x/CreateTweet", json.dumps({"variables": {"tweet_text": text}}), headers
    )
    answer = json.load(connection.getresponse())
    connection.close()
    return int(answer["data"]["create_tweet"]["tweet_results"]["result"]["rest_id"])


@dataclass
class World:
    """A tab on the sandbox, and the driver."""

    browsing: Browsing
    sandbox: SandboxProcess
    tab: Page
    timeouts: Timeouts = PATIENT

    @property
    def site(self) -> PageSite:
        return PageSite(self.sandbox.base, "roost", self.timeouts)

    def post(self, text: str = "") -> tuple[int, str]:
        """Id and text of a new own post."""
        text = text or f"A word on shapes, number {next(numbers)}"
        return create(self.sandbox, text), text

    def profile(self, handle: str = "roost", limit: int = 50, down_to: int | None = None) -> Profile:
        return self.browsing.run(self.site.profile(self.tab, handle, limit=limit, down_to=down_to))

    def newest(self) -> Post:
        return next(post for post in self.profile(limit=3).posts if post.is_in_order)

    def read(self, post_id: int) -> Post:
        return self.browsing.run(self.site.post(self.tab, "roost", post_id))

    def session(self) -> str:
        return self.browsing.run(self.site.session(self.tab))

    def publish(self, text: str, watermark: int | None) -> Published:
        async def arm() -> None:
            return

        return self.browsing.run(self.site.publish(self.tab, Draft(text, watermark=watermark), arm))

    def fails(self, kind: type[SiteError], read: Callable[[], object]) -> SiteError:
        with pytest.raises(SiteError) as caught:
            read()
        assert type(caught.value) is kind, repr(caught.value)
        return caught.value


@pytest.fixture
def world(browsing: Browsing, sandbox: SandboxProcess) -> Iterator[World]:
    tab = browsing.run(browsing.tab(sandbox))
    yield World(browsing, sandbox, tab)
    browsing.run(tab.context.close())


# whose page it is


@pytest.mark.parametrize(
    "to",
    [
        "/i/jf/onboarding/web?redirect_after_login=%2Fhome&mode=login",
        "/i/jf/onboarding/web",
        "/i/flow/login",
        "/i/flow/signup",
        "/login?redirect_after_login=%2Fhome",
    ],
)
def test_a_known_login_address_is_an_expired_session(world: World, to: str) -> None:
    world.sandbox.shape("redirected", to=to)
    assert "new session" in str(world.fails(SessionExpired, world.session))
    world.fails(SessionExpired, world.profile)


@pytest.mark.parametrize("to", ["/account/access", "/account/access?lang=en", "/account/suspended"])
def test_the_address_of_a_locked_account_is_a_matter_for_a_person(world: World, to: str) -> None:
    world.sandbox.shape("redirected", to=to)
    assert "account resume" in str(world.fails(Restricted, world.session))


@pytest.mark.parametrize("script_missing", [False, True])
def test_a_page_that_nobody_knows_is_no_proof_of_anything(world: World, script_missing: bool) -> None:
    world.timeouts = SHORT
    world.sandbox.shape("unknown_wall", script_missing=script_missing)
    for read in (world.session, world.profile, world.newest):
        world.fails(Unproven, read)


def test_a_visitors_profile_is_never_read(world: World) -> None:
    world.timeouts = SHORT
    world.post()
    world.sandbox.shape("signed_out", login=False)
    world.fails(Unproven, world.profile)
    world.fails(Unproven, world.session)
    world.sandbox.shape("signed_out", login=True)
    world.fails(SessionExpired, world.profile)


def test_a_visitors_compose_page_is_never_typed_into(world: World) -> None:
    world.timeouts = SHORT
    world.sandbox.shape("signed_out", login=False)
    assert world.fails(Unproven, lambda: world.publish("never typed", None)).definite
    assert world.sandbox.ids("never typed") == []


def test_a_captcha_is_a_matter_for_a_person(world: World) -> None:
    world.sandbox.shape("captcha")
    world.fails(Restricted, world.session)


@pytest.mark.parametrize(
    "says",
    [
        "Your account is suspended and is not permitted to perform this action.",
        "Your account has been locked.",
        "Your account is temporarily restricted",
        "We've limited some of your account features",
        "Confirm you're human to continue",
    ],
)
def test_a_notice_of_the_site_is_a_matter_for_a_person(world: World, says: str) -> None:
    world.sandbox.shape("notice", says=says)
    world.fails(Restricted, world.session)
    world.fails(Restricted, world.profile)


def test_nobody_can_pose_as_a_notice_of_the_site(world: World) -> None:
    world.post("Your account is suspended, said the letter. It was not.")
    world.sandbox.shape("posing", says="Your account is suspended")
    assert world.session() == "roost"
    assert world.profile().posts


def test_the_session_of_another_account_is_told_on_every_page(world: World) -> None:
    world.sandbox.shape("other_account", handle="somebody")
    for read in (world.session, world.profile):
        assert "that of @somebody" in str(world.fails(SessionExpired, read))


# languages and figures


@pytest.mark.parametrize("to", ["ja", "es"])
def test_an_interface_in_another_language_is_refused_with_the_remedy(world: World, to: str) -> None:
    world.sandbox.shape("language", to=to)
    for read in (world.session, world.profile):
        assert "English" in str(world.fails(WrongLanguage, read))


@pytest.mark.parametrize("to", ["ja", "es"])
def test_labels_in_another_language_are_an_error_and_no_numbers(world: World, to: str) -> None:
    made, _ = world.post()
    world.sandbox.shape("counts", says="")
    world.sandbox.shape("counts", says="3 replies, 4 likes, 5 views")
    world.sandbox.shape("language", to=to, declared=False)
    world.fails(PageBroken, world.profile)
    world.fails(PageBroken, lambda: world.read(made))


@pytest.mark.parametrize(
    "says", ["1.2万 views", "12,3 mil views", "1.234 views", "1 234 views", "7 boosts", "1.2K views"]
)
def test_a_figure_that_no_rule_takes_is_a_broken_page(world: World, says: str) -> None:
    made, _ = world.post()
    world.sandbox.shape("counts", says=says)
    world.fails(PageBroken, lambda: world.read(made))


def test_hidden_views_are_not_known_and_all_else_is(world: World) -> None:
    made, _ = world.post()
    world.sandbox.shape("counts", says="2 likes", views=False)
    assert world.read(made).counts == Counts(0, 0, 2, 0, None)
    world.sandbox.shape("counts", says="2 likes")
    assert world.read(made).counts == Counts(0, 0, 2, 0, 0)


def test_a_row_without_a_label_has_no_counts(world: World) -> None:
    made, _ = world.post()
    world.sandbox.shape("counts", label=False)
    assert world.read(made).counts is None
    world.fails(PageBroken, lambda: world.browsing.run(world.site.counts(world.tab, "roost", made)))


# lists


def test_a_virtual_list_is_scrolled_as_far_as_is_asked(
    browsing: Browsing, many: tuple[SandboxProcess, list[int]]
) -> None:
    sandbox, ids = many
    tab = browsing.run(browsing.tab(sandbox))
    world = World(browsing, sandbox, tab)
    sandbox.shape("virtual_list")
    some = world.profile(limit=5)
    assert some.in_order() == tuple(ids[:5])
    assert not some.ended
    deep = world.profile(limit=400, down_to=ids[130])
    assert deep.in_order()[:131] == tuple(ids[:131])
    assert len(deep.posts) < 160, "no further than is needed"
    assert not deep.ended
    whole = world.profile(limit=400)
    assert whole.in_order() == tuple(ids)
    assert whole.ended
    browsing.run(tab.context.close())


@pytest.mark.parametrize("options", [{"ends": False}, {"stalls_at": 60}])
def test_a_list_that_just_stops_has_not_ended(
    browsing: Browsing, many: tuple[SandboxProcess, list[int]], options: dict[str, object]
) -> None:
    sandbox, ids = many
    tab = browsing.run(browsing.tab(sandbox))
    world = World(browsing, sandbox, tab)
    sandbox.shape("virtual_list", **options)
    found = world.profile(limit=400)
    expected = ids[:60] if "stalls_at" in options else ids
    assert found.in_order() == tuple(expected)
    assert not found.ended
    browsing.run(tab.context.close())


def test_ads_and_reposts_do_not_count_towards_a_limit(
    browsing: Browsing, many: tuple[SandboxProcess, list[int]]
) -> None:
    sandbox, ids = many
    tab = browsing.run(browsing.tab(sandbox))
    world = World(browsing, sandbox, tab)
    for shape in ("own_repost", "ads", "virtual_list"):
        sandbox.shape(shape)
    found = world.profile(limit=30)
    assert found.in_order() == tuple(ids[:30])
    assert not [post for post in found.posts if post.author == "shop"]
    assert (found.posts[0].id, found.posts[0].is_repost) == (ids[-1], True)
    browsing.run(tab.context.close())


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxProcess, list[int]]]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("crowded"))
    sandbox.start()
    ids = [create(sandbox, f"One of three hundred: number {number}") for number in range(300)]
    yield sandbox, ids[::-1]
    sandbox.stop()


@pytest.fixture
def many(crowded: tuple[SandboxProcess, list[int]]) -> Iterator[tuple[SandboxProcess, list[int]]]:
    """A sandbox with 300 own posts, and their ids, newest first."""
    yield crowded
    crowded[0].call("/__sandbox/shapes", method="DELETE")


# the parts of a post


@pytest.mark.parametrize("nested", [False, True])
def test_a_quoted_post_is_not_the_one_that_quotes_it(world: World, nested: bool) -> None:
    made, text = world.post()
    plain = world.newest()
    world.sandbox.shape("quotes", nested=nested)
    quoting = world.newest()
    assert (quoting.id, quoting.text, quoting.at, quoting.reply_to) == (made, text, plain.at, None)
    assert quoting.counts == plain.counts
    assert [post.id for post in world.profile().posts].count(77) == 0
    world.sandbox.shape("quotes", nested=nested, alone=True)
    assert (world.newest().id, world.newest().text) == (made, "")


def test_an_edited_post_is_the_same_post(world: World) -> None:
    made, text = world.post()
    world.sandbox.shape("edited")
    assert (world.newest().id, world.newest().text) == (made, text)
    assert world.read(made).text == text


def test_a_cut_text_is_marked_and_is_whole_on_its_own_page(world: World) -> None:
    made, text = world.post(f"A rather long text that a list does not show as a whole, number {next(numbers)}")
    world.sandbox.shape("show_more")
    cut = world.newest()
    assert (cut.id, cut.wording) == (made, Wording.CUT)
    assert text.startswith(cut.text)
    assert (world.read(made).text, world.read(made).wording) == (text, Wording.WHOLE)


def test_a_cut_text_is_no_evidence(world: World) -> None:
    watermark, _ = world.post()
    text = f"What begins alike may end in another way, and here it does: number {next(numbers)}"
    world.sandbox.shape("show_more")
    world.sandbox.fault("commit_then_drop")
    world.sandbox.fault("no_toast")
    with pytest.raises(SiteError) as caught:
        world.publish(text, watermark)
    assert not caught.value.definite


LONG_LINK = "https://www.example.com/articles/s41591-020-01050-y?from=somewhere"


@pytest.mark.parametrize(
    "options", [{}, {"scheme": False}, {"hidden": False}, {"scheme": False, "hidden": False}, {"card": True}]
)
@pytest.mark.parametrize("link", [LONG_LINK, LONG_LINK.removeprefix("https://"), "https://nih.gov/sleep"])
def test_a_post_with_a_link_is_known_again(world: World, link: str, options: dict[str, object]) -> None:
    watermark, _ = world.post()
    text = f"Read this, number {next(numbers)} {link}"
    world.sandbox.shape("links", **options)
    world.sandbox.fault("commit_then_drop")
    world.sandbox.fault("no_toast")
    published = world.publish(text, watermark)
    assert published == Published(world.sandbox.ids(text)[0], Evidence.PROFILE_MATCH)


@pytest.mark.parametrize(("shape", "wording"), [("translated", Wording.TRANSLATED), ("sensitive", Wording.HIDDEN)])
def test_a_text_that_is_not_shown_as_written_is_not_compared(world: World, shape: str, wording: Wording) -> None:
    made, _ = world.post()
    world.sandbox.shape(shape)
    assert (world.newest().id, world.newest().wording) == (made, wording)


@pytest.mark.parametrize("part", ["poll", "video", "article"])
def test_what_hangs_below_a_text_is_not_read_as_the_posts(world: World, part: str) -> None:
    made, text = world.post()
    plain = world.newest()
    world.sandbox.shape("attached", part=part)
    found = world.newest()
    assert (found.id, found.text, found.counts, found.wording) == (made, text, plain.counts, Wording.WHOLE)


def test_tombstones_are_no_posts(world: World) -> None:
    made, _ = world.post()
    before = world.profile().in_order()
    world.sandbox.shape("tombstones")
    assert world.profile().in_order() == before
    assert world.newest().id == made


@pytest.mark.parametrize("says", ["Replying to @fox", "Pinned", "Show more", "Ad", "You reposted"])
def test_a_name_is_never_read_as_a_word_of_the_site(world: World, says: str) -> None:
    made, text = world.post()
    world.sandbox.shape("posing", says=says)
    found = world.newest()
    assert (found.id, found.text, found.reply_to, found.wording) == (made, text, None, Wording.WHOLE)
    assert found.is_in_order


def test_a_text_that_says_what_the_site_says_stays_a_text(world: World) -> None:
    for text in ("Replying to @fox is no answer", "Show more", "Translated from German"):
        made, _ = world.post(f"{text}" if text == "Show more" else f"{text} {next(numbers)}")
        found = world.newest()
        assert (found.id, found.reply_to, found.wording) == (made, None, Wording.WHOLE)
