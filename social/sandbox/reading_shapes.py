"""Shapes of what is read: whose page it is, how a list shows its posts, how a post shows its parts.

Each is the sandbox's own page rewritten into the form that the real site's has, or had. `pages.py` writes the cells
and articles that are looked for here.
"""

import re
from collections.abc import Callable
from html import escape

from starlette.responses import HTMLResponse, RedirectResponse, Response

from social.sandbox.shapes import Options, Shape, Visit

CELL = re.compile(r'<div data-testid="cellInnerDiv">.*?</article></div>', re.DOTALL)
END = re.compile(r'<div data-testid="cellInnerDiv"><div[^>]*></div></div>')
TEXT = re.compile(r'(<div data-testid="tweetText"[^>]*>)(.*?)(</div>)', re.DOTALL)
LABEL = re.compile(r'(<div role="group") aria-label="([^"]*)"')
NAV = re.compile(r"<nav>.*?</nav>", re.DOTALL)
LINK = re.compile(r"(https?://)?(\w[\w-]*(?:\.[\w-]+)+/\S{4,})")
IS_LIST = re.compile(r"^/(?!compose/|i/|\w+/status/)")


def _on_cells(html: str, change: Callable[[str], str]) -> str:
    return CELL.sub(lambda found: change(found[0]), html)


# Whose page it is


async def _redirected(visit: Visit, options: Options) -> Response | None:
    to = str(options["to"])
    if visit.request.method != "GET":
        return None
    if visit.request.url.path == to.split("?")[0]:
        return HTMLResponse('<!doctype html><html lang="en"><body><h1>Happening now</h1></body></html>')
    return RedirectResponse(to, 302)


async def _unknown_wall(visit: Visit, options: Options) -> Response | None:
    if visit.request.method != "GET":
        return None
    words = f'<div id="root"><p>{escape(str(options["says"]))}</p></div>'
    script = '<script src="/assets/none.js"></script>' if options["script_missing"] else ""
    return HTMLResponse(f'<!doctype html><html lang="en"><head>{script}</head><body>{words}</body></html>')


def _signed_out(html: str, path: str, options: Options) -> str:
    """The page of a visitor: nobody's navigation, and a profile's most liked posts in place of its newest."""
    cells = CELL.findall(html)
    if cells and IS_LIST.match(path):

        def likes(cell: str) -> int:
            found = re.search(r"(\d+) likes?", cell)
            return int(found[1]) if found else 0

        top = iter(sorted(cells, key=likes, reverse=True))
        html = _on_cells(html, lambda _: next(top))
    login = '<a href="/login" data-testid="login">Log in</a>' if options["login"] else ""
    return NAV.sub(login, html)


def _captcha(html: str, path: str, options: Options) -> str:
    return html.replace("</body>", '<iframe id="arkose_iframe" src="about:blank"></iframe></body>', 1)


def _notice(html: str, path: str, options: Options) -> str:
    bar = f'<div role="alert"><span>{escape(str(options["says"]))}</span></div>'
    return html.replace("<main", f"{bar}<main", 1)


def _other_account(html: str, path: str, options: Options) -> str:
    handle = str(options["handle"])

    def as_theirs(found: re.Match[str]) -> str:
        own = re.search(r'AppTabBar_Profile_Link" href="/(\w+)"', found[0])
        return found[0] if own is None else re.sub(own[1], handle, found[0], flags=re.IGNORECASE)

    return NAV.sub(as_theirs, html)


_JAPANESE = {
    "repl": "件の返信",
    "repo": "件のリポスト",
    "like": "件のいいね",
    "book": "件のブックマーク",
    "view": "件の表示",
}


def _language(html: str, path: str, options: Options) -> str:
    """Labels in Japanese, or in Spanish; `declared`: the page says so too."""
    language = str(options["to"])

    def label(found: re.Match[str]) -> str:
        said = found[2]
        if language == "ja":
            parts = re.findall(r"(\d+) (\w{4})\w*", said)
            return f'{found[1]} aria-label="{"、".join(f"{n} {_JAPANESE[word]}" for n, word in parts)}"'
        words = (("repl(?:y|ies)", "respuestas"), ("likes?", "Me gusta"), ("views?", "visualizaciones"))
        for english, spanish in words:
            said = re.sub(english, spanish, said)
        return f'{found[1]} aria-label="{said}"'

    html = LABEL.sub(label, html)
    followers = "1.2万</b><span> フォロワー" if language == "ja" else "12,3 mil</b><span> Seguidores"
    html = re.sub(r'(/verified_followers"><b>).*?</span>', rf"\g<1>{followers}</span>", html, flags=re.DOTALL)
    return html.replace('<html lang="en">', f'<html lang="{language}">', 1) if options["declared"] else html


# How a list shows its posts

# Rows of one height, a few in the page at a time, the rest in a template. More are there `delay` ms after the last
# one has come into sight; `stalls_at` is a row after which none ever comes.
_VIRTUAL = """
document.addEventListener("DOMContentLoaded", () => {
  const store = document.querySelector("template#rows");
  if (!store) return;
  const {page, delay, stalls_at} = window.SHAPES.virtual_list, HEIGHT = 180;
  const rows = Array.from(store.content.children), area = document.createElement("div");
  const most = stalls_at ? Math.min(stalls_at, rows.length) : rows.length;
  const spinner = document.createElement("div");
  let loaded = Math.min(page, most), loading = false;
  area.style.position = "relative";
  store.replaceWith(area);
  spinner.dataset.testid = "cellInnerDiv";
  spinner.innerHTML = '<div role="progressbar">…</div>';
  const place = (row, at) => { row.style.cssText =
    `position:absolute;left:0;right:0;top:${at * HEIGHT}px;height:${HEIGHT}px;overflow:hidden`; };
  function draw() {
    const top = window.scrollY - area.offsetTop, first = Math.max(0, Math.floor(top / HEIGHT) - 2);
    const last = Math.min(loaded, Math.ceil((top + window.innerHeight) / HEIGHT) + 2);
    for (const row of Array.from(area.children)) {
      if (rows.indexOf(row) < first || rows.indexOf(row) >= last) row.remove();
    }
    for (let at = first; at < last; at++) if (!rows[at].isConnected) {
      place(rows[at], at);
      const after = Array.from(area.children).find((row) => rows.indexOf(row) > at);
      area.insertBefore(rows[at], after || null);
    }
    area.style.height = `${(loaded + (loaded < rows.length ? 1 : 0)) * HEIGHT}px`;
    if (loaded < most && last >= loaded) {
      place(spinner, loaded);
      area.append(spinner);
      if (!loading) {
        loading = true;
        setTimeout(() => { loading = false; loaded = Math.min(most, loaded + page); draw(); }, delay);
      }
    }
  }
  window.addEventListener("scroll", draw);
  draw();
});
"""


def _virtual_list(html: str, path: str, options: Options) -> str:
    cells = [*CELL.finditer(html)]
    if not cells or not IS_LIST.match(path):
        return html
    end = END.search(html, cells[-1].end())
    first, last = cells[0].start(), cells[-1].end() if end is None else end.end()
    rows = html[first:last] if options["ends"] or end is None else html[first : end.start()]
    return f'{html[:first]}<template id="rows">{rows}</template>{html[last:]}'


def _ads(html: str, path: str, options: Options) -> str:
    """Ads among the posts: some in a wrapper that counts who sees them, some with a time and a word."""
    seen = 0

    def with_ad(cell: str) -> str:
        nonlocal seen
        seen += 1
        if seen % int(str(options["every"])):
            return cell
        words = f"""<article data-testid="tweet"><a href="/shop/status/{seen}"><time
datetime="2026-01-01T00:00:00.000Z">x</time></a>AD<div data-testid="tweetText">Buy {seen}</div></article>"""
        wrapped = f'<div data-testid="placementTracking">{words.replace("AD", "")}</div>'
        ad = wrapped if seen % 2 else words.replace("AD", "<span>Ad</span>")
        return f'{cell}<div data-testid="cellInnerDiv">{ad}</div>'

    return _on_cells(html, with_ad)


def _own_repost(html: str, path: str, options: Options) -> str:
    """The account's own oldest post stands on top again, since it was reposted."""
    cells = CELL.findall(html)
    if not cells or not IS_LIST.match(path):
        return html
    line = '<div class="body"><a href="/roost"><span data-testid="socialContext">You reposted</span></a>'
    again = cells[-1].replace('<div class="body">', line, 1)
    return html.replace(cells[0], again + cells[0], 1)


# How a post shows its parts


def _counts(html: str, path: str, options: Options) -> str:
    if not options["views"]:
        html = re.sub(r'<a href="[^"]*/analytics".*?</a>', "", html, flags=re.DOTALL)
        html = LABEL.sub(lambda found: f'{found[1]} aria-label="{re.sub(r"(, )?[0-9]+ views?", "", found[2])}"', html)
    if not options["label"]:
        html = LABEL.sub(lambda found: found[1], html)
    if says := options["says"]:
        html = LABEL.sub(lambda found: f'{found[1]} aria-label="{says}"', html)
    return html


def _quotes(html: str, path: str, options: Options) -> str:
    """Below each text stands another's post: with a name, a time, an answer's line and a text of its own."""
    inner = """<div data-testid="User-Name"><span>Fox</span><span>@fox</span></div>
<a href="/fox/status/77"><time datetime="2026-01-02T00:00:00.000Z">Jan 2</time></a>
<div>Replying to <a href="/wolf">@wolf</a></div><div data-testid="tweetText">What was quoted</div>"""
    group = '<div role="group" aria-label="9 replies, 99 likes"><button data-testid="like"></button></div>'
    nested = f'<article data-testid="tweet">{inner}{group}</article>'
    quote = nested if options["nested"] else f'<div role="link" tabindex="0">{inner}</div>'

    def quoting(found: re.Match[str]) -> str:
        return quote if options["alone"] else found[0] + quote

    return _on_cells(html, lambda cell: TEXT.sub(quoting, cell, count=1))


def _edited(html: str, path: str, options: Options) -> str:
    return re.sub(r'(href="/\w+/status/\d+)("><time)', r"\1/history\2", html)


def _show_more(html: str, path: str, options: Options) -> str:
    """In a list a long text is cut; on the post's own page it is whole."""
    if not IS_LIST.match(path):
        return html
    at = int(str(options["at"]))

    def cut(found: re.Match[str]) -> str:
        if len(found[2]) <= at:
            return found[0]
        more = '<button data-testid="tweet-text-show-more-link"><span>Show more</span></button>'
        return f"{found[1]}{found[2][:at].rstrip()}{found[3]}{more}"

    return _on_cells(html, lambda cell: TEXT.sub(cut, cell))


def _links(html: str, path: str, options: Options) -> str:
    """A link as the site draws it: scheme and end hidden, and an ellipsis; or, above a card, not at all."""

    def drawn(link: re.Match[str]) -> str:
        scheme, rest = link[1] or "http://", link[2]
        seen, hidden = rest[:27], rest[27:]
        scheme = f'<span aria-hidden="true">{scheme}</span>' if options["scheme"] else ""
        if options["hidden"]:
            tail = f'<span aria-hidden="true">{hidden}</span><span aria-hidden="true">…</span>' if hidden else ""
        else:
            tail = "…" if hidden else ""
        return f'<a href="https://t.co/x" target="_blank">{scheme}{seen}{tail}</a>'

    def text(found: re.Match[str]) -> str:
        words, card = found[2], ""
        if options["card"] and (last := re.search(rf"\s?{LINK.pattern}$", words)):
            words = words[: last.start()]
            card = '<div data-testid="card.wrapper"><a href="https://t.co/x"><span>From the web</span></a></div>'
        return f"{found[1]}{LINK.sub(drawn, words)}{found[3]}{card}"

    return _on_cells(html, lambda cell: TEXT.sub(text, cell))


def _translated(html: str, path: str, options: Options) -> str:
    def other(found: re.Match[str]) -> str:
        words = "<span>Translated from German</span><button><span>Show original</span></button>"
        return f"{words}{found[1]}In another language{found[3]}"

    return _on_cells(html, lambda cell: TEXT.sub(other, cell))


def _sensitive(html: str, path: str, options: Options) -> str:
    gate = "<span>Content warning: Sensitive content</span><button><span>View</span></button>"
    return _on_cells(html, lambda cell: TEXT.sub(gate, cell))


def _attached(html: str, path: str, options: Options) -> str:
    """What else hangs below a text: a poll, a video with controls, a long article's title."""
    parts = {
        "poll": '<div data-testid="cardPoll" role="radiogroup"><span>Yes 12%</span><span>No 88%</span></div>',
        "video": '<div data-testid="videoPlayer"><div role="group" aria-label="Video, 3 of 12 views"></div></div>',
        "article": '<a href="/fox/article/5"><div data-testid="twitter-article-title">1,000 likes</div></a>',
    }
    return _on_cells(html, lambda cell: TEXT.sub(rf"\g<0>{parts[str(options['part'])]}", cell, count=1))


def _tombstones(html: str, path: str, options: Options) -> str:
    """Between the posts stands what was taken away, as an article and as none."""
    gone = "<span>This Post was deleted by the Post author.</span>"
    cells = (
        f'<div data-testid="cellInnerDiv"><article data-testid="tweet">{gone}</article></div>'
        f'<div data-testid="cellInnerDiv"><div>{gone}</div></div>'
    )
    return _on_cells(html, lambda cell: cells + cell)


def _posing(html: str, path: str, options: Options) -> str:
    """Names and texts that say what only the site may say."""
    says = escape(str(options["says"]))
    return re.sub(r'(<div data-testid="User-Name">\s*<a[^>]*><b>).*?(</b>)', rf"\g<1>{says}\g<2>", html)


READING_SHAPES = (
    Shape(
        "redirected",
        "every page sends to another address",
        {"to": "/i/jf/onboarding/web?redirect_after_login=%2Fhome&mode=login"},
        answer=_redirected,
    ),
    Shape(
        "unknown_wall",
        "every page is one that nobody knows",
        {"says": "Join today, and see what happens.", "script_missing": False},
        answer=_unknown_wall,
    ),
    Shape("signed_out", "every page is a visitor's", {"login": False}, rewrite=_signed_out),
    Shape("captcha", "every page asks whether a person is there", rewrite=_captcha),
    Shape(
        "notice",
        "every page has a notice of the site",
        {"says": "Your account is suspended and is not permitted to perform this action."},
        rewrite=_notice,
    ),
    Shape("other_account", "the session is another account's", {"handle": "somebody"}, rewrite=_other_account),
    Shape("language", "labels in another language", {"to": "ja", "declared": True}, rewrite=_language),
    Shape("ads", "ads among the posts", {"every": 3}, rewrite=_ads),
    Shape("own_repost", "the oldest post stands on top, reposted", rewrite=_own_repost),
    Shape("counts", "counts hidden, unlabelled or odd", {"views": True, "label": True, "says": ""}, rewrite=_counts),
    Shape("quotes", "each post quotes another", {"nested": False, "alone": False}, rewrite=_quotes),
    Shape("edited", "a post's time links to its history", rewrite=_edited),
    Shape("show_more", "long texts are cut in lists", {"at": 40}, rewrite=_show_more),
    Shape("links", "links are shortened", {"scheme": True, "hidden": True, "card": False}, rewrite=_links),
    Shape("translated", "texts are translated", rewrite=_translated),
    Shape("sensitive", "texts are behind a warning", rewrite=_sensitive),
    Shape("attached", "something hangs below each text", {"part": "poll"}, rewrite=_attached),
    Shape("tombstones", "posts that are gone stand between the others", rewrite=_tombstones),
    Shape("posing", "people are called what the site says", {"says": "Replying to @fox"}, rewrite=_posing),
    # The last: it takes what the others made of the cells out of the page.
    Shape(
        "virtual_list",
        "a list shows a few posts at a time",
        {"page": 20, "delay": 30, "ends": True, "stalls_at": 0},
        rewrite=_virtual_list,
        script=_VIRTUAL,
    ),
)
