"""From what a script read off a page to typed values. Pure: no browser, so every odd page can be a test by value.

Whatever does not look as the contract says is left out or refused, never guessed: a wrong id or a stranger's counts
do more harm than none.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from social.site import LONGEST_NAME, LONGEST_TEXT, Counts, PageBroken, Post, Wording

MOST_DIGITS = 19  # of a 63-bit id

_STATUS = re.compile(r"^(?:https?://[^/]+)?/([A-Za-z0-9_]{1,50})/status/(\d{1,19})(?:[/?#].*)?$", re.ASCII)
# A number as an English page writes it. Others (1.234, 12 345, 1,23,456) are no number here, rather than another one.
_NUMBER = r"\d{1,3}(?:,\d{3}){1,6}|\d{1,19}"
_COUNT = re.compile(
    rf"(?<![\w.,])({_NUMBER})\s(repl(?:y|ies)|re(?:post|tweet)s?|likes?|bookmarks?|views?|quotes?)\b",
    re.IGNORECASE | re.ASCII,
)
_FIELDS = {"repl": "replies", "repo": "reposts", "retw": "reposts", "like": "likes", "book": "bookmarks"} | {
    "view": "views"
}
PARTS = ("replies", "reposts", "likes", "bookmarks", "views")
_COMPACT = re.compile(rf"\s*({_NUMBER})(\.\d{{1,2}})?([KMB]?)(?:\s+Followers?)?\s*", re.ASCII)
_SIZES = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}

# Reads the articles in the page in one call, so that a page that changes meanwhile cannot mix two posts. Each thing
# is read from the post that it belongs to: what stands in a quoted post, in a nested article (as some clients draw
# quotes) or in a card is not the outer post's.
#
# Only articles that are not in `known` come back, `limit` at most. overlaps: whether one that is known still stands
# there, without which posts between the last reading and this one may have been missed. ended: the list's last cell
# is one that the site leaves empty below its last post, and there is nothing below it; busy: more is on its way.
ARTICLES_SCRIPT = """
({limit, longest, known}) => {
  const ARTICLE = 'article[data-testid="tweet"]', TEXT = '[data-testid="tweetText"]';
  const CELL = '[data-testid="cellInnerDiv"]', BUSY = '[role="progressbar"]';
  const NAME = '[data-testid="User-Name"]', CARD = '[data-testid="card.wrapper"]';
  const cut = (text) => (text || "").slice(0, longest);
  const written = (node) => {  // emoji are pictures on some pages
    if (node.nodeName === "IMG") return node.alt || "";
    if (node.nodeName === "BR") return "\\n";
    if (node.nodeType === 3) return node.data;
    const words = Array.from(node.childNodes, written).join("");
    // What stands for the hidden rest of a link, which is written out before it.
    const isMark = words === "\\u2026" && node.getAttribute("aria-hidden") === "true" && node.closest("a");
    return isMark ? "" : words;
  };
  const seen = new Set(known), found = [];
  let overlaps = !known.length;
  for (const article of document.querySelectorAll(ARTICLE)) {
    if (article.parentElement.closest(ARTICLE)) continue;
    const quotes = Array.from(article.querySelectorAll(`${ARTICLE}, div[role="link"]`))
      .filter((each) => each.matches(ARTICLE) || each.querySelector(`${NAME}, ${TEXT}`));
    const own = (selector) => Array.from(article.querySelectorAll(selector))
      .filter((each) => !quotes.some((quote) => quote.contains(each)));
    const said = (selector) => { const at = own(selector)[0]; return at ? cut(written(at)) : null; };
    const time = own('a[href*="/status/"] time[datetime]')[0];
    const link = time ? cut(time.closest("a").getAttribute("href")) : null;
    const context = said('[data-testid="socialContext"]');
    const key = link === null ? null : `${context || ""} ${link}`;
    if (key !== null && seen.has(key)) { overlaps = true; continue; }
    if (found.length >= limit) continue;
    const row = own('[role="group"]').find((group) => group.querySelector(
      '[data-testid="reply"], [data-testid="like"], [data-testid="unlike"], [data-testid="retweet"]'))
      || own('[role="group"][aria-label]').find((group) => !group.closest(CARD)) || null;
    const parts = {
      replies: '[data-testid="reply"]', reposts: '[data-testid="retweet"], [data-testid="unretweet"]',
      likes: '[data-testid="like"], [data-testid="unlike"]',
      bookmarks: '[data-testid="bookmark"], [data-testid="removeBookmark"]', views: 'a[href$="/analytics"]',
    };
    const outside = (each) => !each.closest(`${TEXT}, ${NAME}, ${CARD}`);
    const small = own("span, button, a").filter((each) => outside(each) && each.textContent.length < 60);
    const says = (pattern) => small.some((each) => pattern.test(each.textContent.trim()));
    const divs = article.textContent.includes("Replying to") ? own("div") : [];
    const replying = divs.find((div) => outside(div) && !div.querySelector(`${TEXT}, ${NAME}`)
      && /^\\s*Replying to\\s*@/.test(div.textContent)
      && Array.from(div.querySelectorAll("a[href]")).some((each) => /^\\s*@/.test(each.textContent)));
    const line = own('[data-testid="socialContext"]')[0];
    found.push({
      key, link, context,
      time: time ? cut(time.getAttribute("datetime")) : null,
      text: said(TEXT),
      by: line ? Boolean(line.closest("a[href]") || line.querySelector("a[href]")) : false,
      group: row && row.hasAttribute("aria-label") ? cut(row.getAttribute("aria-label")) : null,
      parts: row ? Object.keys(parts).filter((part) => own(parts[part]).length) : [],
      replying: replying ? cut(replying.textContent) : null,
      cut: own('[data-testid="tweet-text-show-more-link"]').length > 0 || says(/^Show more$/),
      translated: says(/^(Show original|Translated from .+|Auto-translated.*)$/),
      hidden: own(TEXT).length === 0 && says(/^(Content warning.*|This .*sensitive.*|View)$/),
      card: own(CARD).length > 0,
      ad: Boolean(article.parentElement.closest('[data-testid="placementTracking"]')) || says(/^(Ad|Promoted)$/),
    });
  }
  const cells = document.querySelectorAll(CELL), last = cells[cells.length - 1];
  const empty = Boolean(last) && !last.textContent.trim()
    && !last.querySelector(`article, button, a, img, svg, video, iframe, ${BUSY}`);
  const bottom = window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 2;
  const ended = empty && bottom && found.length < limit;
  return {found, overlaps, empty, ended, busy: document.querySelector(BUSY) !== null};
}
"""

# Brings the last cell to the top of the window, so that it still stands there when more has come, and waits until the
# list is another one, or nothing has come for `quiet` ms (`settle` where the empty last cell already stands there).
# What has come since the last reading (a post that is not in `known`) is to be read first: a scroll past it would
# take out those that are known, and nobody could tell whether any were missed. Answers "unread" then.
SCROLL_SCRIPT = """
({quiet, settle, empty, known}) => new Promise((done) => {
  const CELL = '[data-testid="cellInnerDiv"]', ARTICLE = 'article[data-testid="tweet"]';
  const LINK = `${ARTICLE} a[href*="/status/"]`;
  const links = () => Array.from(document.querySelectorAll(LINK), (each) => each.pathname).join();
  const seen = new Set(known), before = links();
  const isQuoted = (link, article) => link.closest(ARTICLE) !== article || link.closest('div[role="link"]') !== null;
  const unread = (article) => {
    if (article.parentElement.closest(ARTICLE)) return false;
    const link = Array.from(article.querySelectorAll('a[href*="/status/"]:has(time[datetime])'))
      .find((each) => !isQuoted(each, article));
    return link !== undefined && !seen.has(link.getAttribute("href"));
  };
  if (known.length && Array.from(document.querySelectorAll(ARTICLE)).some(unread)) { done("unread"); return; }
  const watcher = new MutationObserver(() => { if (links() !== before) finish(true); });
  const finish = (came) => { watcher.disconnect(); clearTimeout(timer); done(came); };
  const timer = setTimeout(() => finish(links() !== before), empty ? settle : quiet);
  watcher.observe(document.body, {childList: true, subtree: true});
  const articles = document.querySelectorAll(ARTICLE), cells = document.querySelectorAll(CELL);
  const last = empty ? cells[cells.length - 1] : articles[articles.length - 1];
  if (last) last.scrollIntoView({block: "start", behavior: "instant"});
})
"""


def post_of(raw: Mapping[str, object]) -> Post | None:
    """The post that `ARTICLES_SCRIPT` read, or None for an article that is none (an ad, a tombstone, a placeholder).

    Raises PageBroken where its counts are told in a way that is not understood.
    """
    link = status_of(_text(raw, "link"))
    at = unix_seconds(_text(raw, "time"))
    if link is None or at is None or raw.get("ad") is True:
        return None
    context, replying = _text(raw, "context").strip(), _text(raw, "replying")
    to = re.search(r"@([A-Za-z0-9_]{1,50})", replying)
    is_pinned = context.lower().startswith("pinned") and raw.get("by") is not True
    is_repost = not is_pinned and "reposted" in context.lower()
    return Post(
        id=link[1],
        author=link[0],
        text=_text(raw, "text")[:LONGEST_TEXT],
        at=at,
        counts=_counts_in(raw),
        is_pinned=is_pinned,
        is_repost=is_repost,
        reply_to=to.group(1) if to else None,
        wording=_wording(raw),
        has_card=raw.get("card") is True,
        is_suggested=bool(context) and not is_pinned and not is_repost,
    )


def _counts_in(raw: Mapping[str, object]) -> Counts | None:
    """The counts of an article: None where it has no row of them, or one that says nothing."""
    label, parts = raw.get("group"), raw.get("parts", PARTS)
    if not isinstance(label, str) or not isinstance(parts, Sequence):
        return None
    counts = counts_of(label, parts)
    return None if counts == Counts(None, None, None, None, None) else counts


def _wording(raw: Mapping[str, object]) -> Wording:
    """How much of the text is shown. What the article says comes before what its text looks like."""
    if raw.get("hidden") is True:
        return Wording.HIDDEN
    if raw.get("translated") is True:
        return Wording.TRANSLATED
    return Wording.CUT if raw.get("cut") is True else Wording.WHOLE


def posts_of(raw: object) -> tuple[Post, ...]:
    """The posts of a page, in its order."""
    if not isinstance(raw, Sequence):
        return ()
    read = (post_of(one) for one in raw if isinstance(one, Mapping))
    return tuple(post for post in read if post is not None)


def the_post(posts: Sequence[Post], handle: str, post_id: int) -> Post | None:
    """The one post that is meant. Id and author must both match: pages put other people's posts around it."""
    return next((post for post in posts if post.id == post_id and post.author.lower() == handle.lower()), None)


def status_of(href: str) -> tuple[str, int] | None:
    """Author and id of a permalink."""
    found = _STATUS.match(href)
    return None if found is None else (found.group(1), int(found.group(2)))


def counts_of(label: str, shown: Collection[object] = PARTS) -> Counts:
    """The counts of an `aria-label` such as "3 replies, 12 reposts, 1 like, 1234 views".

    shown: the parts that the row has. What such a part leaves unsaid is zero, what there is no part for is not known.
    Raises PageBroken for a figure that is no such count: in another language or notation it would be read as another.
    """
    counts: dict[str, int | None] = {part: 0 if part in shown else None for part in PARTS}
    said: set[str] = set()
    for number, word in _COUNT.findall(label):
        field = _FIELDS.get(word[:4].lower())
        if field is None:
            continue  # quotes, which are counted among the reposts elsewhere
        if field in said:
            raise PageBroken(f"read the counts: {label[:LONGEST_NAME]!r} tells the {field} twice.")
        said.add(field)
        counts[field] = int(number.replace(",", ""))
    left = _COUNT.sub("", label)
    if any(character.isnumeric() for character in left):
        raise PageBroken(
            f"read the counts: {label[:LONGEST_NAME]!r} has a figure that is no count in English. "
            "Set the account's display language to English, or check the page contract."
        )
    return Counts(**counts)


def compact_count(text: str) -> int | None:
    """A drawn count: "1,234 Followers" is 1234, "12.3K" is 12300. None for whatever is not wholly one."""
    found = _COMPACT.fullmatch(text)
    if found is None:
        return None
    whole, fraction, size = found.groups()
    if fraction and not size:
        return None  # 1.234 is a thousand and more in some languages, and nothing in English
    return round(float(whole.replace(",", "") + (fraction or "")) * _SIZES[size])


def unix_seconds(stamp: str) -> float | None:
    """Unix seconds of an ISO 8601 stamp with its zone."""
    try:
        read = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return read.timestamp() if read.tzinfo else None


def created_id(body: object) -> int | None:
    """The new post's id in a create response, by its full path: the author's own `rest_id` stands in there too."""
    match body:
        case {"data": {"create_tweet": {"tweet_results": {"result": {"tweet": {"rest_id": str(found)}}}}}}:
            return post_id(found)
        case {"data": {"create_tweet": {"tweet_results": {"result": {"rest_id": str(found)}}}}}:
            return post_id(found)
        case {"data": {"notetweet_create": {"tweet_results": {"result": {"tweet": {"rest_id": str(found)}}}}}}:
            return post_id(found)
        case {"data": {"notetweet_create": {"tweet_results": {"result": {"rest_id": str(found)}}}}}:
            return post_id(found)
        case {"id_str": str(found), "user": Mapping()}:  # of statuses/update
            return post_id(found)
        case _:
            return None


def reset_of(headers: Mapping[str, str]) -> float | None:
    """When a rate limit ends (Unix seconds), as a response's headers tell it."""
    told = headers.get("x-rate-limit-reset", "")
    return float(told) if told.isascii() and told.isdigit() and len(told) <= MOST_DIGITS else None


def post_id(text: str) -> int | None:
    """An id in decimal."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def error_of(body: object) -> tuple[int, str] | None:
    """Code and message of the first of a response's `errors[]`."""
    match body:
        case {"errors": [{"code": int(code), **rest}, *_]}:
            return code, str(rest.get("message", ""))[:LONGEST_NAME]
        case {"errors": [{"extensions": {"code": int(code)}, **rest}, *_]}:
            return code, str(rest.get("message", ""))[:LONGEST_NAME]
        case _:
            return None


def _text(raw: Mapping[str, object], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""
