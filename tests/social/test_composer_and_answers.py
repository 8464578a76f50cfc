"""Composing under what lies over a composer, hearing what the site answers, and staying at home."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from social.driver import PageSite
from social.limits import Limits
from social.navigation import Timeouts, open_page
from social.refusals import REFUSALS
from social.site import AccountLocked, PageBroken, RateLimited, SessionExpired, SiteError, SiteTimeout
from tests.social.conftest import Browsing, SandboxProcess
from tests.social.driver_world import PATIENT, World

BRIEF = Timeouts(load=2, compose=3, arm=10, response=15, toast=0.3, looks=1)
TEXTS = ["One line.", "Lines:\n- one\n\n\n- two", "Émile 🙂 schläft @nobody #sleep…"]


@pytest.fixture
def world(browsing: Browsing, sandbox: SandboxProcess) -> Iterator[World]:
    tab = browsing.run(browsing.tab(sandbox))
    yield World(browsing, sandbox, tab, PageSite(sandbox.base, "roost", PATIENT))
    browsing.run(tab.context.close())


@pytest.mark.parametrize("text", TEXTS)
def test_an_editor_like_draft_js_keeps_a_text_byte_for_byte(world: World, text: str) -> None:
    world.sandbox.shape("draft_editor")
    text = f"{text} {world.text}"
    published = world.publish(text)
    assert world.sandbox.ids(text) == [published.id]


@pytest.mark.parametrize("late", [0, 0.7])
@pytest.mark.parametrize("editor", [False, True])
def test_the_composer_is_the_dialogs_and_not_the_timelines(world: World, late: float, editor: bool) -> None:
    world.sandbox.shape("composer_in_dialog", late=late)
    if editor:
        world.sandbox.shape("draft_editor")
    world.publish()
    assert (world.armed, world.on_site()) == (1, 1)


@pytest.mark.parametrize("button", ["Not now", "Close", "Maybe later", "No thanks"])
def test_a_sheet_with_a_plain_close_is_closed(world: World, button: str) -> None:
    world.sandbox.shape("sheet", button=button)
    world.sandbox.shape("composer_in_dialog")
    world.publish()
    assert world.on_site() == 1


@pytest.mark.parametrize("button", ["", "Subscribe", "Accept"])
def test_a_sheet_without_a_plain_close_is_told_and_nothing_is_agreed_to(world: World, button: str) -> None:
    world.sandbox.shape("sheet", button=button, title="Unlock more on X")
    failure = world.failure(timeouts=BRIEF)
    assert isinstance(failure, PageBroken)
    assert "Unlock more on X" in str(failure)
    assert (failure.definite, world.armed, world.on_site()) == (True, 0, 0)


def test_a_cookie_bar_is_no_hindrance(world: World) -> None:
    world.sandbox.shape("cookie_bar")
    world.publish()
    assert world.on_site() == 1


def test_a_composer_that_holds_an_older_draft_is_not_sent(world: World) -> None:
    old = """addEventListener("DOMContentLoaded", () => { const area = document.querySelector(
      '[data-testid="tweetTextarea_0"]'); if (area) area.textContent = "an older draft "; });"""
    world.browsing.run(world.tab.add_init_script(old))
    failure = world.failure(timeouts=BRIEF)
    assert isinstance(failure, PageBroken)
    assert "another text" in str(failure)
    assert (world.armed, len(world.sandbox.ids(world.text))) == (0, 0)


def refused_read(world: World) -> SiteError:
    with pytest.raises(SiteError) as caught:
        world.profile()
    return caught.value


def test_a_limit_on_the_pages_own_calls_is_a_limit_until_its_reset(world: World) -> None:
    world.sandbox.shape("calls_refused", reset=1_795_262_400)
    failure = refused_read(world)
    assert isinstance(failure, RateLimited)
    assert failure.until == 1_795_262_400.0


def test_until_the_reset_no_page_of_that_kind_is_asked_for(world: World) -> None:
    now = [1_000.0]
    with patch("social.navigation.LIMITS", Limits(lambda: now[0])):
        world.sandbox.shape("calls_refused", reset=1_300)
        assert isinstance(refused_read(world), RateLimited)
        world.sandbox.call("/__sandbox/shapes", method="DELETE")
        again = refused_read(world)
        assert isinstance(again, RateLimited)
        assert again.until == 1_300.0
        assert world.browsing.run(world.site.session(world.tab)) == "roost", "another kind of page"
        now[0] = 1_301.0
        assert world.profile().handle == "roost"


def test_a_limit_lasts_an_hour_at_most() -> None:
    limits = Limits(lambda: 1_000.0)
    limits.limit("http://site", "/a", 1e12)
    assert limits.limited_until("http://site", "/b/with_replies") == 4_600.0


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(200, 88, RateLimited), (403, 326, AccountLocked), (200, 64, AccountLocked), (401, 32, SessionExpired)],
)
def test_what_the_pages_calls_are_answered_is_heard(world: World, status: int, code: int, kind: type) -> None:
    world.sandbox.shape("calls_refused", status=status, code=code)
    assert isinstance(refused_read(world), kind)


def test_a_code_that_nobody_knows_leaves_a_broken_page(world: World) -> None:
    world.sandbox.shape("calls_refused", status=200, code=99_999)
    assert type(refused_read(world)) is PageBroken


def test_a_script_that_does_not_load_is_told_as_that(world: World) -> None:
    world.sandbox.shape("script_missing")
    with pytest.raises(PageBroken, match=r"A script of the page did not load: .*/bundle/main.js \(503\)"):
        world.browsing.run(PageSite(world.sandbox.base, "roost", BRIEF).profile(world.tab, "roost"))


@pytest.mark.parametrize(
    ("to", "counted"),
    [
        ("popup", "popup"),
        ("dialog", "dialog"),
        ("download", "download"),
        ("elsewhere", "page of another site"),
        ("file", None),
        ("permission", None),
    ],
)
def test_a_page_goes_nowhere_and_opens_nothing(world: World, to: str, counted: str | None) -> None:
    world.sandbox.shape("wandering", to=to)
    before = REFUSALS.statistics().get(counted or "", 0)

    async def read_and_look() -> tuple[str, int]:
        try:
            await PageSite(world.sandbox.base, "roost", BRIEF).session(world.tab)
        except (PageBroken, SiteTimeout):
            assert to == "elsewhere", "only a page that leaves before it is read cannot be read"
        await world.tab.wait_for_timeout(500)
        return world.tab.url, len(world.tab.context.pages)

    url, pages = world.browsing.run(read_and_look())
    assert url in (f"{world.sandbox.base}/home", "chrome-error://chromewebdata/")
    assert pages == 1
    if counted is not None:
        assert REFUSALS.statistics()[counted] == before + 1


def test_a_path_that_is_no_page_of_the_site_is_not_opened(world: World) -> None:
    for path in ("//localhost:9/x", "@localhost:9/x", "file:///etc/passwd"):
        with pytest.raises(PageBroken, match="no page of the site"):
            world.browsing.run(
                open_page(world.tab, world.sandbox.base, path, "body", world.site.handle, Timeouts(load=2.0))
            )
