"""The site's pages as HTML, with the test ids, labels and URL shapes of X's web pages: the page driver's contract.

Whole pages, rendered here: without a shape that makes a list virtual there is no infinite scroll, and only the
composer needs a script (`static/site.js`). Below a list's last post stands an empty cell, where that is its end.
"""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from social.sandbox.audience import Tally
from social.sandbox.network import Person, Shown
from social.sandbox.reading import TOPICS

BROKEN = """<div class="notice"><span>Something went wrong. Try reloading.</span><br>
<button class="button retry">Retry</button></div>"""
END = '<div data-testid="cellInnerDiv"><div style="height:1px"></div></div>'
_ICONS = {
    "reply": '<path d="M4 5h16v11H11l-5 4v-4H4z"/>',
    "retweet": '<path d="M7 7h10v8M17 15l-3-3M17 15l3-3M17 17H7V9M7 9l-3 3M7 9l3 3"/>',
    "like": '<path d="M12 20C5 15 3 12 3 8.7A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 9 1.7C21 12 19 15 12 20z"/>',
    "bookmark": '<path d="M6 4h12v16l-6-4-6 4z"/>',
    "views": '<path d="M5 20v-7M10 20V5M15 20v-11M20 20v-5"/>',
}


def home(me: str, posts: Sequence[Shown]) -> str:
    """The timeline with its inline composer."""
    return _page(me, "Home", _composer(me, "tweetButtonInline") + _posts(posts), here="/home")


def compose(me: str, parent: Shown | None) -> str:
    """The composer alone, below the post that it answers."""
    above = "" if parent is None else _cell(parent)
    return _page(me, "Reply" if parent else "New post", above + _composer(me, "tweetButton", parent))


def profile(me: str, person: Person, posts: Sequence[Shown] | None, replies: bool, ends: bool = False) -> str:
    """An account with its posts, or with the notice that these failed to load (None)."""
    at = f"/{person.handle}"
    head = f"""<div class="banner"></div><div class="person">{_avatar(person.handle, " big")}
<div data-testid="UserName"><b>{escape(person.name)}</b><span class="dim">@{escape(person.handle)}</span></div>
<p data-testid="UserDescription">{escape(person.bio)}</p>
<div class="numbers"><a href="{at}/verified_followers"><b>{person.followers:,}</b>
<span class="dim">{"Follower" if person.followers == 1 else "Followers"}</span></a></div></div>
<div class="tabs"><a href="{at}" class="{"" if replies else "here"}">Posts</a>
<a href="{at}/with_replies" class="{"here" if replies else ""}">Replies</a></div>"""
    if posts is None:
        listed = BROKEN
    elif posts:
        listed = _posts(posts) + END * ends
    else:
        listed = _empty(f"@{person.handle} hasn’t posted", "When they do, their posts will show up here.")
    return _page(me, person.name, head + listed, here=at if person.is_own else "")


def status(me: str, above: Sequence[Shown], post: Shown, below: Sequence[Shown]) -> str:
    """One post among what surrounds it."""
    return _page(me, "Post", "".join((_posts(above), _cell(post, focal=True), _posts(below))))


def search(me: str, query: str, posts: Sequence[Shown], live: bool, ends: bool = False) -> str:
    """The results of a search."""
    quoted = escape(query, quote=True)
    tabs = f"""<div class="tabs"><a href="/search?q={quoted}" class="{"" if live else "here"}">Top</a>
<a href="/search?q={quoted}&amp;f=live" class="{"here" if live else ""}">Latest</a></div>"""
    found = (
        _posts(posts) + END * ends
        if posts
        else _empty(f"No results for “{query}”", "Try searching for something else.")
    )
    return _page(me, f"Search: {query}", tabs + found, query=query)


def no_account(me: str) -> str:
    """The page of a handle that nobody has."""
    return _page(me, "Profile", _empty("This account doesn’t exist", "Try searching for another."))


def no_page(me: str) -> str:
    """The page of a post that is not there."""
    text = "Hmm...this page doesn’t exist. Try searching for something else."
    return _page(me, "Not found", f'<div class="notice" data-testid="error-detail"><span>{text}</span></div>')


def broken(me: str) -> str:
    """What the site shows when it fails to show anything."""
    return _page(me, "Something went wrong", BROKEN)


def login() -> str:
    """The wall that a visitor without a session meets. Nobody can log in: sessions are issued, not earned."""
    return _document(
        "Log in",
        """<div class="login"><h1>Log in</h1><p class="dim">This sandbox takes no password: it gives sessions
at <code>/__sandbox/session</code>.</p><input autocomplete="username" placeholder="Handle"></div>""",
    )


def group_label(tally: Tally) -> str:
    """The exact counts in words, as the page says them; what is zero goes unsaid."""
    parts = (
        (tally.replies, "reply", "replies"),
        (tally.reposts, "repost", "reposts"),
        (tally.likes, "like", "likes"),
        (tally.bookmarks, "bookmark", "bookmarks"),
        (tally.views, "view", "views"),
    )
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in parts if count)


def compact(count: int) -> str:
    """A count as the page draws it: 987, 12.3K, 1.2M, and nothing for zero."""
    for size, letter in ((1_000_000, "M"), (1_000, "K")):
        if count >= 10 * size or (letter == "M" and count >= size):
            return f"{count / size:.1f}".removesuffix(".0") + letter
    return f"{count:,}" if count else ""


def _posts(posts: Sequence[Shown]) -> str:
    return "".join(map(_cell, posts))


def _cell(post: Shown, focal: bool = False) -> str:
    link = f"/{post.handle}/status/{post.id}"
    when = datetime.fromtimestamp(post.at, UTC)
    stamp = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    context = f'<div class="context" data-testid="socialContext">{escape(post.context)}</div>' if post.context else ""
    replying = ""
    if post.replying_to:
        replying = f'<div class="replying">Replying to <a href="/{post.replying_to}">@{post.replying_to}</a></div>'
    tally = post.tally
    return f"""<div data-testid="cellInnerDiv">
<article data-testid="tweet" role="article" class="{"focal" if focal else ""}">
{_avatar(post.handle)}<div class="body">{context}<div class="head"><div data-testid="User-Name">
<a href="/{post.handle}"><b>{escape(post.name)}</b></a><span class="dim">@{post.handle}</span></div>
<span class="dim">·</span><a class="dim" href="{link}"><time datetime="{stamp}">{when:%b %-d, %H:%M}</time></a></div>
{replying}<div data-testid="tweetText" lang="en">{escape(post.text)}</div>
<div role="group" aria-label="{group_label(tally)}">{_action("reply", tally.replies, "Replies. Reply")}
{_action("retweet", tally.reposts, "reposts. Repost")}{_action("like", tally.likes, "Likes. Like")}
{_action("bookmark", tally.bookmarks, "Bookmarks. Bookmark")}
<a href="{link}/analytics" aria-label="{tally.views} views. View post analytics">
{_icon("views")}{compact(tally.views)}</a>
</div></div></article></div>"""


def _action(name: str, count: int, label: str) -> str:
    return f"""<button data-testid="{name}" aria-label="{count} {label}">{_icon(name)}
<span data-testid="app-text-transition-container">{compact(count)}</span></button>"""


def _icon(name: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true">{_ICONS[name]}</svg>'


def _avatar(handle: str, size: str = "") -> str:
    hue = zlib.crc32(handle.encode()) % 360
    return f'<div class="avatar{size}" style="background:hsl({hue} 45% 45%)">{escape(handle[:1].upper())}</div>'


def _composer(me: str, button: str, parent: Shown | None = None) -> str:
    placeholder = "Post your reply" if parent else "What is happening?"
    answer = f' data-in-reply-to="{parent.id}"' if parent else ""
    to = f'<div class="replying dim">Replying to @{parent.handle}</div>' if parent else ""
    return f"""<div class="composer"{answer}>{_avatar(me)}<div class="body">{to}
<div data-testid="tweetTextarea_0" role="textbox" contenteditable="true" aria-multiline="true" spellcheck="false"
 aria-label="Post text" data-placeholder="{placeholder}"></div>
<div class="foot"><span class="left dim"></span><button class="button" data-testid="{button}" aria-disabled="true"
 type="button">{"Reply" if parent else "Post"}</button></div></div></div>"""


def _empty(title: str, text: str) -> str:
    return f'<div class="notice" data-testid="emptyState"><b>{escape(title)}</b><span>{escape(text)}</span></div>'


def _page(me: str, title: str, body: str, here: str = "", query: str = "") -> str:
    entries = (("/home", "Home"), ("/search?q=sleep", "Explore"), (f"/{me}", "Profile"))
    links = "".join(
        f'<a class="entry{" here" * (url == here)}" data-testid="AppTabBar_{name}_Link" href="{url}">{name}</a>'
        for url, name in entries
    )
    topics = "".join(f'<a href="/search?q={topic}&amp;f=live">{topic.title()}</a>' for topic in TOPICS)
    return _document(
        title,
        f"""<div class="frame"><nav><a class="brand" href="/home">Sandbox</a>{links}
<a class="button" data-testid="SideNav_NewTweet_Button" href="/compose/post">Post</a>
<button class="me" data-testid="SideNav_AccountSwitcher_Button" type="button">{_avatar(me)}
<span><b>{escape(me.title())}</b><br><span class="dim">@{escape(me)}</span></span></button></nav>
<main data-testid="primaryColumn"><header>{escape(title)}</header>{body}</main>
<aside><form action="/search"><input name="q" placeholder="Search" value="{escape(query, quote=True)}"
 data-testid="SearchBox_Search_Input"></form><div class="card"><b>Topics</b>{topics}</div></aside></div>""",
    )


def _document(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)} / Sandbox</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/site.css">
<script src="/assets/site.js" defer></script></head><body>{body}</body></html>
"""
