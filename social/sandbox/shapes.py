"""Shapes of the real site's pages and answers, which the sandbox takes on when it is told to.

A fault is the site misbehaving, for a while; a shape is the site being another one than the sandbox is by itself:
a composer in a dialog, a list that shows few posts at a time, a post that leaves by another call. So a shape stays
until it is switched off, also over a restart (`shapes.json` in the sandbox's home); each is one entry in `SHAPES`:

    Shape("cookie_bar", "a bar over the foot of every page", rewrite=_with_cookie_bar)

What it may change: `answer` is asked first, for any request but the side door's and the assets', and may answer in
the site's place; `rewrite` is given every HTML page on its way out; `script` runs in each page before the site's own,
and finds its options at `window.SHAPES.<name>`. A shape with none of them only sets `window.SHAPES.<name>`, for
`static/site.js`, or is asked for by the sandbox itself (`ShapeBoard.options`).
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from social.sandbox.network import Network

Options = Mapping[str, object]
UNSHAPED = ("/__sandbox/", "/assets/")  # what no shape changes


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that a shape may answer. now: calendar seconds."""

    request: Request
    network: Network
    now: float


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape. says: what it is like, for people; options: what can be set, with what holds where it is not."""

    name: str
    says: str
    options: Options = field(default_factory=dict)
    answer: Callable[[Visit, Options], Awaitable[Response | None]] | None = None
    rewrite: Callable[[str, str, Options], str] | None = None  # of a page's HTML and its path
    script: str = ""


class BadShape(ValueError):
    """The wish for a shape makes no sense; the text says what and what would."""


class ShapeBoard:
    """The shapes that are on, with their options. file: where they are kept, None: nowhere."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._on: dict[str, dict[str, object]] = {}
        if file is not None and file.exists():
            for name, options in json.loads(file.read_text()).items():
                self.switch({"shape": name, **options})

    def switch(self, wish: Mapping[str, object]) -> None:
        """Switches the shape `wish["shape"]` on, or off with `"on": false`; all else in `wish` is its options."""
        shape = SHAPES.get(str(wish.get("shape")))
        if shape is None:
            raise BadShape(f"unknown shape {wish.get('shape')!r}. Known: {', '.join(sorted(SHAPES))}.")
        options = {key: value for key, value in wish.items() if key not in ("shape", "on")}
        if strange := sorted(set(options) - set(shape.options)):
            raise BadShape(f"{shape.name} has no option {', '.join(strange)}. It has: {', '.join(shape.options)}.")
        if wish.get("on", True):
            self._on[shape.name] = {**shape.options, **options}
        else:
            self._on.pop(shape.name, None)
        self._keep()

    def clear(self) -> None:
        """Switches all off."""
        self._on.clear()
        self._keep()

    def options(self, name: str) -> Options | None:
        """The options of a shape that is on."""
        return self._on.get(name)

    def listed(self) -> dict[str, Options]:
        """What is on, by name."""
        return dict(self._on)

    def __iter__(self) -> Iterator[tuple[Shape, Options]]:
        return iter([(SHAPES[name], options) for name, options in self._on.items()])

    def shaped(self, html: str, path: str) -> str:
        """A page with the shapes that are on."""
        told = json.dumps(self._on).replace("</", "<\\/")
        scripts = "".join(f"<script>{shape.script}</script>" for shape, _ in self if shape.script)
        html = html.replace("<head>", f"<head><script>window.SHAPES = {told};</script>{scripts}", 1)
        for shape, options in self:
            if shape.rewrite is not None:
                html = shape.rewrite(html, path, options)
        return html

    def _keep(self) -> None:
        if self._file is not None:
            made = self._file.with_suffix(".new")
            made.write_text(json.dumps(self._on))
            made.replace(self._file)


class Shaped:
    """The site's application with the shapes around it."""

    def __init__(self, app: ASGIApp, board: ShapeBoard, network: Network, calendar: Callable[[], float]) -> None:
        self._app = app
        self._board = board
        self._network = network
        self._calendar = calendar

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"].startswith(UNSHAPED) or not self._board.listed():
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        for shape, options in self._board:
            if shape.answer is not None:
                visit = Visit(Request(scope, again), self._network, self._calendar())
                if (response := await shape.answer(visit, options)) is not None:
                    await response(scope, again, self._rewriting(scope["path"], send))
                    return
        await self._app(scope, again, self._rewriting(scope["path"], send))

    def _rewriting(self, path: str, send: Send) -> Send:
        """`send`, for an answer whose HTML is rewritten; anything else passes as it comes."""
        start: Message | None = None
        html = bytearray()

        async def rewrite(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if MutableHeaders(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    start = message
                    return
            elif start is not None:
                html.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                made = self._board.shaped(html.decode(), path).encode()
                MutableHeaders(raw=start["headers"])["content-length"] = str(len(made))
                await send(start)
                message = {"type": "http.response.body", "body": made}
            await send(message)

        return rewrite


def _before_the_end(html: str, more: str) -> str:
    return html.replace("</body>", f"{more}</body>", 1)


def _with_cookie_bar(html: str, path: str, options: Options) -> str:
    return _before_the_end(
        html,
        """<div data-testid="BottomBar" style="position:fixed;inset:auto 0 0;background:#fff;padding:20px;z-index:9">
<span>Did someone say … cookies?</span> <button type="button" onclick="this.parentElement.remove()"><span>Accept all
cookies</span></button> <button type="button" onclick="this.parentElement.remove()"><span>Refuse non-essential cookies
</span></button></div>""",
    )


def _with_composer_in_dialog(html: str, path: str, options: Options) -> str:
    """The compose page as a dialog over the timeline, whose own composer comes first (or late)."""
    if path != "/compose/post":
        return html
    late = float(str(options["late"]))
    return _before_the_end(
        html,
        f"""<div id="layers"></div><script>
(() => {{
  const own = document.querySelector(".composer"), inline = own.cloneNode(true);
  inline.querySelector('[data-testid="tweetButton"]').dataset.testid = "tweetButtonInline";
  own.replaceWith(inline);
  setTimeout(() => {{
    const dialog = document.createElement("div");
    dialog.setAttribute("role", "dialog");
    dialog.style = "position:fixed;inset:40px 60px auto;background:#fff;z-index:3";
    dialog.append(own);
    document.querySelector("#layers").append(dialog);
    if (window.wireAll) window.wireAll();
  }}, {late * 1000:.0f});
}})();</script>""",
    )


def _with_sheet(html: str, path: str, options: Options) -> str:
    """A sheet with a mask over the compose page. `button`: the words of its one button, "" for none."""
    if path != "/compose/post":
        return html
    button = f'<button type="button">{options["button"]}</button>' if options["button"] else ""
    return _before_the_end(
        html,
        f"""<div class="sheet" style="position:fixed;inset:0;z-index:8;background:#0008">
<div data-testid="mask" style="position:absolute;inset:0"></div><div data-testid="sheetDialog"
style="position:absolute;inset:100px 100px auto;background:#fff;padding:40px">
<h2>{options["title"]}</h2>{button}</div></div>
<script>
document.querySelectorAll(".sheet button").forEach((button) => button.addEventListener("click", () =>
  document.querySelector(".sheet").remove()));</script>""",
    )


# What a page does about its post before its usual call, by name: each a way around a boundary that knows one address.
_DETOURS = {
    "unknown_mutation": """fetch("/i/api/graphql/q/CreateThread", {method: "POST", body: said})""",
    "put": """fetch("/i/api/2/posts/new", {method: "PUT", body: said})""",
    "get_create": """fetch("/i/api/graphql/q/CreateTweet?text=" + said)""",
    "keepalive": """fetch("/i/api/2/posts/new", {method: "POST", keepalive: true, body: said})""",
    "beacon": """navigator.sendBeacon("/i/api/2/posts/new", said)""",
    "iframe": """new Promise((go) => { const frame = document.createElement("iframe"); frame.src = "/login";
      frame.onload = () => { go(frame.contentWindow.fetch("/i/api/2/posts/new", {method: "POST"})); };
      document.body.append(frame); })""",
    "form": """new Promise(() => { const form = document.createElement("form"); form.method = "post";
      form.action = "/i/api/2/posts/new"; document.body.append(form); form.submit(); })""",
    "form_in_popup": """(() => { const form = document.createElement("form"); form.method = "post";
      form.target = "_blank"; form.action = "/i/api/2/posts/new"; document.body.append(form); form.submit(); })()""",
    "popup": """new Promise((go) => { const other = window.open("/login"); setTimeout(() => {
      go(other && other.fetch("/i/api/2/posts/new", {method: "POST"})); }, 500); })""",
    "worker": """(() => { const code = `fetch("${location.origin}/i/api/2/posts/new", {method: "POST"})`;
      new Worker(URL.createObjectURL(new Blob([code]))); })()""",
    "shared_worker": """(() => { const code = `fetch("${location.origin}/i/api/2/posts/new", {method: "POST"})`;
      new SharedWorker(URL.createObjectURL(new Blob([code]))); })()""",
    "service_worker": """navigator.serviceWorker.register("/assets/site.js")""",
    "socket": """new Promise((go) => { const socket = new WebSocket(`ws://${location.host}/socket`);
      socket.onerror = socket.onclose = go; socket.onopen = () => { socket.send(said); go(); }; })""",
    "unload": """(() => { addEventListener("pagehide", () => {
      navigator.sendBeacon("/i/api/2/posts/new", said);
      fetch("/i/api/2/posts/new", {method: "POST", keepalive: true}).catch(() => 0); }); })()""",
    "telemetry": """fetch("/i/api/1.1/jot/client_event.json", {method: "POST", body: "[]"})""",
    "elsewhere": """fetch("http://localhost:9/collect", {method: "POST", body: "[]"}).catch(() => 0)""",
}


async def _take_detour(visit: Visit, options: Options) -> Response | None:
    """The way around, at its end: what comes there is a post. (A socket comes there as a GET that would upgrade.)"""
    request = visit.request
    path = request.url.path
    if path in ("/i/api/2/posts/new", "/socket", "/i/api/graphql/q/CreateThread") or (
        request.method == "GET" and path == "/i/api/graphql/q/CreateTweet"
    ):
        made = visit.network.publish(f"by a detour, {options['way']}", visit.now)
        return JSONResponse({"made": type(made).__name__})
    return None


def _with_detour(html: str, path: str, options: Options) -> str:
    way = _DETOURS[str(options["way"])]
    return html.replace("<head>", f"<head><script>window.beforeSend = (said, create) => {way};</script>", 1)


async def _limit_calls(visit: Visit, options: Options) -> Response | None:
    """Every query of a page is refused, as the site does it: the document comes, and its calls do not."""
    if visit.request.url.path != "/i/api/graphql/q/UserTweets":
        return None
    headers = {"x-rate-limit-reset": str(options["reset"])} if options["reset"] else {}
    status, code = int(str(options["status"])), int(str(options["code"]))
    return JSONResponse({"errors": [{"code": code, "message": "as asked"}]}, status, headers)


def _with_calls(html: str, path: str, options: Options) -> str:
    """Posts come by a call of the page's own; where that fails, the page says that something went wrong."""
    html = re.sub(r'<div data-testid="cellInnerDiv">.*?</article></div>', "", html, flags=re.DOTALL)
    html = re.sub(r'<div class="notice" data-testid="emptyState">.*?</div>', "", html, flags=re.DOTALL)
    notice = "<div class=notice><span>Something went wrong. Try reloading.</span></div>"
    return _before_the_end(
        html,
        f"""<script>fetch("/i/api/graphql/q/UserTweets").then((answer) => answer.json()).then((body) => {{
  if (body.errors) document.querySelector("main").insertAdjacentHTML("beforeend", "{notice}"); }});</script>""",
    )


async def _without_script(visit: Visit, options: Options) -> Response | None:
    return Response(status_code=503) if visit.request.url.path == "/bundle/main.js" else None


def _with_bundle(html: str, path: str, options: Options) -> str:
    """A page that is nothing without its script, as the site's are."""
    bundle = '<script src="/bundle/main.js"></script>'
    return re.sub(r"<body>.*</body>", f'<body><div id="react-root"></div>{bundle}</body>', html, flags=re.DOTALL)


def _with_wandering(html: str, path: str, options: Options) -> str:
    """Each page tries at once what a page of the site has no business to do."""
    return _before_the_end(
        html,
        f"""<a id="file" href="data:text/plain,x" download="x.txt"></a><script>
const tries = {{
  popup: () => window.open("/login"),
  dialog: () => alert("Hello"),
  download: () => document.querySelector("#file").click(),
  elsewhere: () => location.assign("http://localhost:9/elsewhere"),
  file: () => location.assign("file:///etc/passwd"),
  permission: () => Notification.requestPermission().then((said) => {{ document.title = said; }}),
}};
tries["{options["to"]}"]();</script>""",
    )


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("cookie_bar", "a bar over the foot of every page asks about cookies", rewrite=_with_cookie_bar),
        Shape(
            "sends",
            "by which call a post leaves, how often at once, and once more after so many ms",
            {"by": "CreateTweet", "times": 1, "again": 0},
        ),
        Shape("subscriber", "a text over so many characters leaves by CreateNoteTweet", {"over": 280}),
        Shape("draft_editor", "the composer is an editor like Draft.js"),
        Shape(
            "composer_in_dialog",
            "the composer is a dialog's, so many seconds late, over another",
            {"late": 0.0},
            rewrite=_with_composer_in_dialog,
        ),
        Shape(
            "sheet",
            "a sheet lies over the compose page",
            {"title": "Unlock more on X", "button": "Not now"},
            rewrite=_with_sheet,
        ),
        Shape(
            "detour",
            "the page sends by another way first",
            {"way": "unknown_mutation"},
            answer=_take_detour,
            rewrite=_with_detour,
        ),
        Shape(
            "calls_refused",
            "the page's own calls for posts are refused",
            {"status": 429, "code": 88, "reset": 0},
            answer=_limit_calls,
            rewrite=_with_calls,
        ),
        Shape("script_missing", "the page's script does not load", answer=_without_script, rewrite=_with_bundle),
        Shape(
            "wandering", "each page tries to leave, or to open something", {"to": "popup"}, rewrite=_with_wandering
        ),
    )
}
