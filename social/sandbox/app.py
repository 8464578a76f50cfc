"""The sandbox site as a web application: sessions, pages, the create call, and the `/__sandbox` side door.

Only here do HTTP, the clock and the faults meet; what the site *is* stands in `network.py`. The side door has no
lock, which is why the site listens on loopback and answers to loopback names alone.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from social.sandbox import pages
from social.sandbox.faults import BadFault, FaultBoard
from social.sandbox.network import ACCOUNT_ID, LONGEST, LONGEST_NOTE, Created, Network, Refused, Shown
from social.sandbox.reading_shapes import READING_SHAPES
from social.sandbox.shapes import SHAPES, BadShape, ShapeBoard, Shaped

LOGIN = "/i/flow/login"
MOST_POSTS = 1_500  # on one page, for memory tests

SHAPES.update((shape.name, shape) for shape in READING_SHAPES)

Show = Callable[[Request, str], Response | Awaitable[Response]]


class Clock(Protocol):
    """Real and calendar time, in Unix seconds."""

    def real(self) -> float:
        """The machine's."""

    def calendar(self) -> float:
        """Roost's."""


class BrokenOff(Response):
    """A response whose connection breaks before the body: the client never learns what was done."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # To return without a body is how an ASGI application makes its server cut the connection.


class SandboxSite:
    """The web application over a network.

    secrets: makes the session tokens and decides faults of a probability; shapes: what it is like besides.
    """

    def __init__(
        self, network: Network, clock: Clock, secrets: random.Random, shapes: ShapeBoard | None = None
    ) -> None:
        self.network = network
        self.clock = clock
        self.secrets = secrets
        self.faults = FaultBoard(secrets)
        self.shapes = shapes or ShapeBoard()

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Mount("/assets", StaticFiles(directory=Path(__file__).parent / "static")),
                Route("/__sandbox/health", self.health),
                Route("/__sandbox/session", self.session, methods=["GET", "POST"]),
                Route("/__sandbox/faults", self.inject, methods=["POST"]),
                Route("/__sandbox/faults", self.list_faults, methods=["GET"]),
                Route("/__sandbox/faults", self.clear_faults, methods=["DELETE"]),
                Route("/__sandbox/shapes", self.switch_shape, methods=["POST"]),
                Route("/__sandbox/shapes", self.list_shapes, methods=["GET"]),
                Route("/__sandbox/shapes", self.clear_shapes, methods=["DELETE"]),
                Route("/__sandbox/posts", self.posts),
                Route("/__sandbox/posts/{id:int}", self.remove, methods=["DELETE"]),
                Route("/i/api/graphql/{query}/CreateTweet", self.create, methods=["POST"]),
                Route("/i/api/graphql/{query}/CreateNoteTweet", self.create, methods=["POST"]),
                Route("/i/api/1.1/statuses/update.json", self.create, methods=["POST"]),
                Route("/i/api/1.1/jot/client_event.json", self.telemetry, methods=["POST"]),
                Route(LOGIN, self.login),
                Route("/login", self.login),
                Route("/", lambda request: RedirectResponse("/home")),
                Route("/home", partial(self.page, self.home)),
                Route("/compose/post", partial(self.page, self.compose)),
                Route("/search", partial(self.page, self.search)),
                Route("/{handle}", partial(self.page, self.profile)),
                Route("/{handle}/with_replies", partial(self.page, self.profile)),
                Route("/{handle}/verified_followers", partial(self.page, self.followers)),
                Route("/{handle}/status/{id:int}", partial(self.page, self.status)),
                Route("/{handle}/status/{id:int}/analytics", partial(self.page, self.status)),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
                Middleware(Shaped, self.shapes, self.network, self.clock.calendar),
            ],
            exception_handlers={HTTPException: self.not_found},
        )

    # Pages

    async def page(self, show: Show, request: Request) -> Response:
        """Any page: the faults of pages first, then the session, then what `show` makes of it."""
        me, real = self.network.handle, self.clock.real()
        if slow := self.faults.strike("slow", "pages", real):
            await asyncio.sleep(slow.delay)
        if self.faults.strike("rate_limited", "pages", real):
            return HTMLResponse(pages.broken(me), 429, {"retry-after": "60"})
        if self.faults.strike("login_wall", "pages", real) or not self.signed_in(request):
            return RedirectResponse(LOGIN, 302)
        # A profile breaks below its head, as X's do: only its posts are missing.
        if show != self.profile and self.faults.strike("broken_page", "pages", real):
            return HTMLResponse(pages.broken(me))
        shown = show(request, me)
        return shown if isinstance(shown, Response) else await shown

    def home(self, request: Request, me: str) -> Response:
        return HTMLResponse(pages.home(me, self.network.home(self.clock.calendar(), self.count(request))))

    def compose(self, request: Request, me: str) -> Response:
        asked = request.query_params.get("in_reply_to")
        if asked is None:
            return HTMLResponse(pages.compose(me, None))
        parent = self.network.find(int(asked), self.clock.calendar()) if asked.isdecimal() else None
        return HTMLResponse(pages.no_page(me), 404) if parent is None else HTMLResponse(pages.compose(me, parent))

    def search(self, request: Request, me: str) -> Response:
        query, live = request.query_params.get("q", ""), request.query_params.get("f") == "live"
        limit = self.count(request)
        found = self.network.search(query, self.clock.calendar(), limit + 1, live)
        return HTMLResponse(pages.search(me, query, found[:limit], live, ends=len(found) <= limit))

    def profile(self, request: Request, me: str) -> Response:
        handle, now = request.path_params["handle"], self.clock.calendar()
        person = self.network.person(handle, now)
        if person is None:
            return HTMLResponse(pages.no_account(me), 404)
        replies = request.url.path.endswith("/with_replies")
        if self.faults.strike("broken_page", "pages", self.clock.real()):
            return HTMLResponse(pages.profile(me, person, None, replies))
        lag = self.faults.strike("profile_lag", "pages", self.clock.real()) if person.is_own else None
        limit = self.count(request)
        posts = self.network.profile(handle, now, limit + 1, replies, lag.lag if lag else 0.0)
        decoys = self.decoys(now) if person.is_own else []
        shown, ends = [*decoys, *posts[:limit]], len(posts) <= limit
        return HTMLResponse(pages.profile(me, person, shown, replies, ends))

    def count(self, request: Request) -> int:
        """How many posts a list shows: what was asked for, but for a virtual one, which shows all in its own time."""
        return _asked(request) if self.shapes.options("virtual_list") is None else MOST_POSTS

    def followers(self, request: Request, me: str) -> Response:
        return RedirectResponse(f"/{request.path_params['handle']}", 302)

    def status(self, request: Request, me: str) -> Response:
        handle, now = request.path_params["handle"], self.clock.calendar()
        post = self.network.find(request.path_params["id"], now)
        if post is None or post.handle.lower() != handle.lower():
            return HTMLResponse(pages.no_page(me), 404)
        parent = self.network.find(post.in_reply_to, now) if post.in_reply_to else None
        above = [*reversed(self.decoys(now)), *([parent] if parent else [])]
        return HTMLResponse(pages.status(me, above, post, self.network.answers(post.id, now)))

    def decoys(self, now: float) -> Sequence[Shown]:
        """What the fault puts before the posts that were asked for: an own pinned one, and a stranger's viral one."""
        if not self.faults.strike("pinned_decoy", "pages", self.clock.real()):
            return []
        mine = self.network.profile(self.network.handle, now, MOST_POSTS)
        return [*(replace(post, context="Pinned") for post in mine[-1:]), self.network.viral_decoy(now)]

    async def login(self, request: Request) -> Response:
        return HTMLResponse(pages.login())

    async def not_found(self, request: Request, error: Exception) -> Response:
        code = error.status_code if isinstance(error, HTTPException) else 500
        return HTMLResponse(pages.no_page(self.network.handle), code)

    # The create call

    async def create(self, request: Request) -> Response:
        """X's three ways to post, of which each answers in its own form. Errors come mostly with status 200."""
        real = self.clock.real()
        if self.faults.strike("rate_limited", "create", real):
            return _errors(88, "Rate limit exceeded.", 429)
        if self.faults.strike("login_wall", "create", real) or not self.signed_in(request):
            return _errors(32, "Could not authenticate you.", 401)
        if request.headers.get("x-csrf-token") != request.cookies.get("ct0"):
            return _errors(353, "This request requires a matching csrf cookie and header.", 403)
        if fault := self.faults.strike("errors_200", "create", real):
            return _errors(fault.code, _MESSAGES.get(fault.code, "Something went wrong."))
        call = request.url.path.rsplit("/", 1)[1]
        wish = _wish(call, await request.body())
        if wish is None:
            return _errors(214, "Bad request.", 400)
        longest = LONGEST_NOTE if call == "CreateNoteTweet" else LONGEST
        made = self.network.publish(wish[0], self.clock.calendar(), wish[1], longest)
        if slow := self.faults.strike("slow", "create", real):
            await asyncio.sleep(slow.delay)
        match made:
            case Refused(code, message):
                return _errors(code, message)
            case Created(post):
                return self.created(call, post.id, post.text, real)

    def created(self, call: str, post_id: int, text: str, real: float) -> Response:
        """What the page hears of a post that is stored by now."""
        if self.faults.strike("commit_then_drop", "create", real):
            return BrokenOff()
        link = f"/{self.network.handle}/status/{post_id}"
        headers = {} if self.faults.strike("no_toast", "create", real) else {"x-sandbox-toast": link}
        if self.faults.strike("odd_response", "create", real):
            return JSONResponse({"data": {"create_post": {"ok": True}}}, headers=headers)
        user = {"__typename": "User", "rest_id": str(ACCOUNT_ID), "legacy": {"screen_name": self.network.handle}}
        result: dict[str, object] = {
            "__typename": "Tweet",
            "core": {"user_results": {"result": user}},
            "rest_id": str(post_id),
            "legacy": {"full_text": text, "id_str": str(post_id), "user_id_str": str(ACCOUNT_ID)},
        }
        if call == "update.json":
            author = {"id_str": str(ACCOUNT_ID), "screen_name": self.network.handle}
            return JSONResponse({"user": author, "id_str": str(post_id), "full_text": text}, headers=headers)
        if self.faults.strike("visibility_wrapper", "create", real):
            result = {"__typename": "TweetWithVisibilityResults", "tweet": result}
        field = "notetweet_create" if call == "CreateNoteTweet" else "create_tweet"
        return JSONResponse({"data": {field: {"tweet_results": {"result": result}}}}, headers=headers)

    async def telemetry(self, request: Request) -> Response:
        """What the client tells of itself; nothing comes of it."""
        return Response(status_code=204)

    # Sessions

    def signed_in(self, request: Request) -> bool:
        """Whether the request's cookies are a session that is still good."""
        ct0 = self.network.storage.valid_session(request.cookies.get("auth_token", ""))
        return ct0 is not None and ct0 == request.cookies.get("ct0")

    async def session(self, request: Request) -> Response:
        """A good session in Playwright's storage-state form: the newest, or a new one where none is good."""
        storage = self.network.storage
        found = storage.newest_session()
        if found is None:
            found = (f"{self.secrets.getrandbits(160):040x}", f"{self.secrets.getrandbits(128):032x}")
            storage.add_session(*found, self.clock.calendar())
            self.faults.clear("session_expired")
        host = request.url.hostname or "127.0.0.1"
        cookies = [_cookie("auth_token", found[0], host, True), _cookie("ct0", found[1], host, False)]
        return JSONResponse({"cookies": cookies, "origins": []})

    # The side door

    async def health(self, request: Request) -> Response:
        calendar = self.clock.calendar()
        return JSONResponse({"status": "ok", "calendar": calendar, "posts": self.network.storage.count()})

    async def posts(self, request: Request) -> Response:
        """Every own post, oldest first."""
        own = reversed(self.network.storage.posts())
        listed = [
            {
                "id": str(post.id),
                "text": post.text,
                "at": post.at,
                "in_reply_to": None if post.in_reply_to is None else str(post.in_reply_to),
            }
            for post in own
        ]
        return JSONResponse({"posts": listed})

    async def remove(self, request: Request) -> Response:
        """Takes an own post off the site, as its owner would by hand."""
        post_id = request.path_params["id"]
        if not self.network.remove(post_id, self.clock.calendar()):
            return JSONResponse({"error": f"there is no own post {post_id}"}, 404)
        return JSONResponse({"removed": str(post_id)})

    async def inject(self, request: Request) -> Response:
        try:
            wish = await request.json()
            if not isinstance(wish, dict):
                raise BadFault("a fault is a JSON object with at least `kind`.")
            fault = self.faults.inject(wish, self.clock.real())
        except ValueError as error:  # of the JSON, or BadFault
            return JSONResponse({"error": f"fault refused: {error}"}, 400)
        if fault.kind == "session_expired":
            self.network.storage.end_sessions()
        return JSONResponse({"faults": self.faults.listed(self.clock.real())})

    async def list_faults(self, request: Request) -> Response:
        return JSONResponse({"faults": self.faults.listed(self.clock.real())})

    async def clear_faults(self, request: Request) -> Response:
        self.faults.clear()
        return JSONResponse({"faults": []})

    async def switch_shape(self, request: Request) -> Response:
        try:
            wish = await request.json()
            if not isinstance(wish, dict):
                raise BadShape("a shape is a JSON object with at least `shape`.")
            self.shapes.switch(wish)
        except ValueError as error:  # of the JSON, or BadShape
            return JSONResponse({"error": f"shape refused: {error}"}, 400)
        return JSONResponse({"shapes": self.shapes.listed()})

    async def list_shapes(self, request: Request) -> Response:
        return JSONResponse({"shapes": self.shapes.listed()})

    async def clear_shapes(self, request: Request) -> Response:
        self.shapes.clear()
        return JSONResponse({"shapes": {}})


_MESSAGES = {
    187: "Whoops! You already said that.",
    226: "This request looks like it might be automated.",
    326: "To protect our users, this account is temporarily locked.",
    64: "Your account is suspended and is not permitted to access this feature.",
}


def _errors(code: int, message: str, status: int = 200) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message}], "data": {}}, status)


def _wish(call: str, body: bytes) -> tuple[str, int | None] | None:
    """Text and parent of a create call, or None where it is not of the known form."""
    try:
        if call == "update.json":
            given = dict(parse_qsl(body.decode(), keep_blank_values=True))
            answered = given.get("in_reply_to_status_id")
            return given["status"], None if answered is None else int(answered)
        variables = json.loads(body)["variables"]
        text, reply = variables["tweet_text"], variables.get("reply")
        parent = None if reply is None else int(reply["in_reply_to_tweet_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return (text, parent) if isinstance(text, str) else None


def _cookie(name: str, value: str, host: str, http_only: bool) -> dict[str, object]:
    return {
        "name": name,
        "value": value,
        "domain": host,
        "path": "/",
        "expires": -1,
        "httpOnly": http_only,
        "secure": False,
        "sameSite": "Lax",
    }


def _asked(request: Request) -> int:
    asked = request.query_params.get("count", "")
    return min(MOST_POSTS, int(asked)) if asked.isdecimal() and len(asked) < 6 else 50
