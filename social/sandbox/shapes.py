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
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
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


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("cookie_bar", "a bar over the foot of every page asks about cookies", rewrite=_with_cookie_bar),
    )
}
