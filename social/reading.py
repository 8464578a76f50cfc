"""From what a script read off a page to typed values. Pure: no browser, so every odd page can be a test by value.

Whatever does not look as the contract says is left out or refused, never guessed: a wrong id or a stranger's counts
do more harm than none.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from social.site import LONGEST_NAME, LONGEST_TEXT, Counts, Post

MOST_DIGITS = 19  # of a 63-bit id

_STATUS = re.compile(r"^(?:https?://[^/]+)?/([A-Za-z0-9_]{1,50})/status/(\d{1,19})(?:[/?#].*)?$")
_COUNT = re.compile(
    r"(\d[\d,.\u00a0\u202f]{0,20})\s+(repl(?:y|ies)|reposts?|likes?|bookmarks?|views?)\b", re.IGNORECASE
)
_FIELDS = {"repl": "replies", "repo": "reposts", "like": "likes", "book": "bookmarks", "view": "views"}
_COMPACT = re.compile(r"(\d[\d,]{0,20}(?:\.\d{1,3})?)\s*([KMB]?)\b")
_SIZES = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}

# Reads articles in the page in one call, so that a page that changes meanwhile cannot mix two posts. Nested articles
# (quoted posts) are not posts of this page.
ARTICLES_SCRIPT = """
({limit, longest}) => {
  const ARTICLE = 'article[data-testid="tweet"]', TEXT = '[data-testid="tweetText"]';
  const cut = (text) => (text || "").slice(0, longest);
  const written = (node) => {  // emoji are pictures on some pages
    if (node.nodeName === "IMG") return node.alt || "";
    if (node.nodeName === "BR") return "\\n";
    return node.nodeType === 3 ? node.data : Array.from(node.childNodes, written).join("");
  };
  return Array.from(document.querySelectorAll(ARTICLE))
    .filter((article) => !article.parentElement.closest(ARTICLE)).slice(0, limit).map((article) => {
      const said = (selector) => { const at = article.querySelector(selector); return at ? cut(written(at)) : null; };
      const time = article.querySelector('a[href*="/status/"] time[datetime]');
      const group = article.querySelector('[role="group"][aria-label]');
      const divs = article.textContent.includes("Replying to") ? article.querySelectorAll("div") : [];
      const replying = Array.from(divs)
        .find((div) => !div.closest(TEXT) && !div.querySelector(TEXT)
          && /^\\s*Replying to\\s*@/.test(div.textContent));
      return {
        link: time ? cut(time.closest("a").getAttribute("href")) : null,
        time: time ? cut(time.getAttribute("datetime")) : null,
        text: said(TEXT),
        context: said('[data-testid="socialContext"]'),
        group: group ? cut(group.getAttribute("aria-label")) : null,
        replying: replying ? cut(replying.textContent) : null,
      };
    });
}
"""


def post_of(raw: Mapping[str, object]) -> Post | None:
    """The post that `ARTICLES_SCRIPT` read, or None for an article that is none (an ad, a placeholder)."""
    link = status_of(_text(raw, "link"))
    at = unix_seconds(_text(raw, "time"))
    if link is None or at is None:
        return None
    context, replying = _text(raw, "context"), _text(raw, "replying")
    to = re.search(r"@([A-Za-z0-9_]{1,50})", replying)
    return Post(
        id=link[1],
        author=link[0],
        text=_text(raw, "text")[:LONGEST_TEXT],
        at=at,
        counts=counts_of(_text(raw, "group")) if isinstance(raw.get("group"), str) else None,
        is_pinned=context.strip().lower().startswith("pinned"),
        is_repost="reposted" in context.lower(),
        reply_to=to.group(1) if to else None,
    )


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


def counts_of(label: str) -> Counts:
    """The counts of an `aria-label` such as "3 replies, 12 reposts, 1 like, 1234 views". What is unsaid is zero."""
    counts = {}
    for number, word in _COUNT.findall(label):
        counts[_FIELDS[word[:4].lower()]] = int(re.sub(r"\D", "", number))
    return Counts(**counts)


def compact_count(text: str) -> int | None:
    """A drawn count: "1,234 Followers" is 1234, "12.3K" is 12300."""
    found = _COMPACT.search(text)
    if found is None:
        return None
    return round(float(found.group(1).replace(",", "")) * _SIZES[found.group(2)])


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
