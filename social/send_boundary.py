"""The send boundary: from the first typed letter on, nothing leaves that could change the site and is not understood.

The rule is closed by default. A request that only reads passes, and so does one on a short list of harmless ones. A
request that would post the very draft is held until `arm` has returned, once. Everything else is stopped: after the
click it also ends the attempt, as definitely not sent, because nobody knows what it would have done.

It is the context's and not the tab's, so popups, frames and workers meet it too. What a browser sends where no route
can see it, a page does not get: see `NO_WAY_AROUND`.
"""

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import BrowserContext, Request, Route, WebSocketRoute
from playwright.async_api import Error as BrowserError

from social.navigation import Timeouts
from social.refusals import REFUSALS
from social.site import Arm, Draft, NotArmed, PageBroken, SendBlocked, SiteError

READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Hosts of one and the same site, by the host of its pages.
ALIASES = {"x.com": ("twitter.com",), "twitter.com": ("x.com",)}
CREATES = re.compile(r"/graphql/[^/]+/(CreateTweet|CreateNoteTweet)$|/1\.1/statuses/(update)\.json$")
# Telemetry, and queries that the client sends as POST. What is missing here costs an attempt; what is here too much
# could cost a post.
HARMLESS = re.compile(
    r"/1\.1/jot/|/i/jot\b|/i/csp_report$|/1\.1/live_pipeline/update_subscriptions(?:\.json)?$"
    r"|/graphql/[^/]+/(?:HomeTimeline|HomeLatestTimeline|SearchTimeline|ExploreSidebar|BookmarkSearchTimeline)$"
)
# Whatever would make the post another one than its text: a quote, a card, pictures.
EXTRAS = ("attachment_url", "card_uri", "media_ids", "conversation_control", "quoted_tweet_id")

# Routes see neither the sockets of a worker, nor a shared worker, nor what is sent as a page goes away (beacons and
# `keepalive`). Pages of the site need none of these to post. `fetch` and the rest stay as they are until `pagehide`.
NO_WAY_AROUND = """
(() => {
  for (const name of ["Worker", "SharedWorker", "WebTransport", "WebSocketStream", "fetchLater", "RTCPeerConnection",
                      "webkitRTCPeerConnection"]) delete window[name];
  Navigator.prototype.sendBeacon = () => false;
  const stop = () => {
    window.fetch = () => Promise.reject(new TypeError("the page is going away"));
    XMLHttpRequest.prototype.send = () => { throw new DOMException("the page is going away", "NetworkError"); };
    HTMLFormElement.prototype.submit = HTMLFormElement.prototype.requestSubmit = () => undefined;
  };
  for (const event of ["pagehide", "unload"]) window.addEventListener(event, stop, { capture: true });
})();
"""


@dataclass(frozen=True, slots=True)
class Create:
    """A request that would post `text`. by: which of the site's calls; extras: what it would carry besides."""

    by: str
    text: str
    parent: int | None
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passes:
    """It changes nothing, or nothing that matters."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """It goes to another site. Nothing is posted there, and nobody needs it while a post is sent."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """It could change something on the site. why: what it is, for people."""

    why: str


Reading = Create | Passes | Elsewhere | NotUnderstood


def reading_of(method: str, url: str, body: str | None, base_url: str) -> Reading:
    """What a request would do to the site at `base_url`."""
    at = urlsplit(url)
    create = CREATES.search(at.path)
    if method.upper() in READS and create is None:
        return Passes()
    if not is_of_site(url, base_url):
        return Elsewhere()
    if method.upper() == "OPTIONS":
        return Passes()
    if create is not None:
        call = create.group(1) or create.group(2)
        made = None if method.upper() != "POST" else _create_of(call, body or "")
        return made or NotUnderstood(f"{method} {at.path[:100]} in an unknown form")
    if HARMLESS.search(at.path):
        return Passes()
    return NotUnderstood(f"{method} {at.path[:100]}")


def is_of_site(url: str, base_url: str) -> bool:
    """Whether the address is one of the site's hosts: that of its pages, those below it, and its other names."""
    at, base = urlsplit(url), urlsplit(base_url)
    host, home = at.hostname or "", base.hostname or ""
    if at.netloc == base.netloc:
        return True
    names = (home, *ALIASES.get(home, ()))
    return base.port is None and any(host == name or host.endswith(f".{name}") for name in names)


def _create_of(call: str, body: str) -> Create | None:
    try:
        if call == "update":
            given = {key: values[-1] for key, values in parse_qs(body, strict_parsing=True).items()}
            text, parent = given["status"], given.get("in_reply_to_status_id")
            extras = tuple(name for name in EXTRAS if given.get(name))
            return Create(call, text, None if parent is None else int(parent), extras)
        variables = json.loads(body)["variables"]
        text, reply = variables["tweet_text"], variables.get("reply")
        parent = None if reply is None else reply["in_reply_to_tweet_id"]
        if not isinstance(text, str):
            return None
        extras = tuple(name for name in EXTRAS if variables.get(name))
        if (variables.get("media") or {}).get("media_entities"):
            extras += ("media",)
        return Create(call, text, None if parent is None else int(parent), extras)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def difference(create: Create, draft: Draft) -> SiteError | None:
    """Why this request must not go out, if it would not post the very draft."""
    if create.text != draft.text:
        return PageBroken("send: the page was about to post another text than the draft, so it was stopped.")
    if create.parent != draft.in_reply_to:
        return PageBroken(f"send: the page was about to answer {create.parent}, not {draft.in_reply_to}: stopped.")
    if create.extras:
        return PageBroken(f"send: the page was about to post {', '.join(create.extras)} with it, so it was stopped.")
    return None


class SendGuard:
    """Lets one request through, after `arm`, and only if it is the draft's own."""

    def __init__(self, draft: Draft, arm: Arm, timeouts: Timeouts) -> None:
        self._draft = draft
        self._arm = arm
        self._timeouts = timeouts
        self._closed = False
        self._withdrawn = False
        self._arming: asyncio.Future[None] | None = None
        self.typing = False  # from here on nothing that could carry the text away leaves
        self.clicked = False
        self.armed = False
        self.reached = asyncio.Event()  # something came to the boundary that decides
        # The request that was let through, or why it was not.
        self.decision: asyncio.Future[Request | SiteError] = asyncio.get_running_loop().create_future()

    async def admits(self, reading: Create | NotUnderstood, request: Request) -> bool:
        """Whether the request may go. The first after the click decides; no other ever passes."""
        if self._closed or not self.clicked:
            return False
        self._closed = True
        self.reached.set()
        match reading:
            case NotUnderstood(why):
                refusal: SiteError | None = SendBlocked(
                    f"send: the page asked for {why}, which nobody here understands, so it was stopped and nothing "
                    f"was sent. A person must look at how the site posts now."
                )
            case Create():
                refusal = difference(reading, self._draft) or await self._ask_to_arm()
        if not self.decision.done():
            self.decision.set_result(refusal or request)
        return refusal is None

    def withdraw(self) -> None:
        """From now on nothing passes, also no request that still waits for `arm`."""
        self._closed = self._withdrawn = True
        if self._arming is not None:
            self._arming.cancel()

    async def _ask_to_arm(self) -> SiteError | None:
        self._arming = asyncio.ensure_future(self._arm())
        done, _ = await asyncio.wait({self._arming}, timeout=self._timeouts.arm)
        if not done:
            self._arming.cancel()
            return NotArmed(f"send: `arm` took more than {self._timeouts.arm:g} s, so nothing was sent.")
        if self._arming.cancelled() or self._withdrawn:
            return NotArmed("send: withdrawn while waiting for `arm`, so nothing was sent.")
        if (error := self._arming.exception()) is not None:
            refusal = NotArmed(f"send: `arm` refused ({type(error).__name__}: {error}), so nothing was sent.")
            refusal.__cause__ = error
            return refusal
        self.armed = True
        return None


@dataclass(eq=False)  # and no slots: Playwright keeps its wrappers of the handlers on the instance
class SendBoundary:
    """The boundary of one context, for as long as that lives: a page that asks late must still meet it.

    guard: of the post that is being sent, or was last. stopped: how many requests it stopped, by what they were.
    """

    base_url: str
    guard: SendGuard | None = None
    stopped: Counter[str] = field(default_factory=Counter)

    async def install(self, context: BrowserContext) -> None:
        """Stands in every request's way from the next page on."""
        await context.add_init_script(NO_WAY_AROUND)
        await context.route_web_socket(re.compile(""), self.refuse_socket)
        await context.route(re.compile(""), self.handle)

    async def refuse_socket(self, socket: WebSocketRoute) -> None:
        """Nothing is read here that a socket would bring, and what it would carry away nobody can tell."""
        self._stop("a socket")
        await socket.close()

    async def handle(self, route: Route, request: Request) -> None:
        """Called by the browser for every request of the context."""
        body = None if request.method == "GET" else request.post_data_buffer
        text = None if body is None else body.decode(errors="replace")
        reading, guard = reading_of(request.method, request.url, text, self.base_url), self.guard
        try:
            match reading:
                case Passes():
                    await route.fallback()
                case NotUnderstood() if guard is not None and not guard.typing:
                    await route.fallback()  # the page is still loading, and holds nothing of ours
                case Create() | NotUnderstood() if guard is not None and await guard.admits(reading, request):
                    await route.continue_()
                case Elsewhere():
                    self._stop("another site")
                    await route.abort("aborted")
                case Create():
                    self._stop("a post")
                    await route.abort("aborted")
                case NotUnderstood():
                    self._stop("not understood")
                    await route.abort("aborted")
        except BrowserError:
            # The page is gone. An abort is then moot; a request that was to go on is waited for in vain: unknown.
            return

    def _stop(self, what: str) -> None:
        self.stopped[what] += 1
        REFUSALS.count(f"request: {what}")


_BOUNDARIES: "WeakKeyDictionary[BrowserContext, SendBoundary]" = WeakKeyDictionary()


async def boundary_of(context: BrowserContext, base_url: str) -> SendBoundary:
    """The context's boundary, which is made the first time that it is to post."""
    found = _BOUNDARIES.get(context)
    if found is None:
        found = SendBoundary(base_url)
        await found.install(context)
        _BOUNDARIES[context] = found
    return found
