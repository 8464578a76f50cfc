"""When two posts are the same: for uniqueness before sending, and to know an own post again on a page.

A page does not give back the bytes that were typed: it joins spaces, turns line ends, drops invisible marks. What is
compared is therefore a normal form that survives that.
"""

import hashlib
import re
import unicodedata

from domain.calendar import DAY

UNIQUE_FOR = 30 * DAY
_VARIATION_SELECTORS = {0xFE0E, 0xFE0F}
_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?")
# What may be a link on a page: a domain, with or without its scheme, and what follows it.
_LINK = re.compile(r"^(?:https?://)?[^\W_](?:[\w-]*[\w])?(?:\.[\w-]+)+(?::\d+)?(?:[/?#]\S*)?$")
_SHORTENED = "..."  # the normal form of an ellipsis


def normalized(text: str) -> str:
    """The normal form: NFKC, no invisible characters, spaces joined, case folded. Idempotent."""
    visible = "".join(
        char
        for char in unicodedata.normalize("NFKC", text).casefold()
        if unicodedata.category(char) != "Cf" and ord(char) not in _VARIATION_SELECTORS
    )
    # Folding and removing can each leave something that composes anew, so once more.
    return " ".join(unicodedata.normalize("NFKC", visible).split())


def text_hash(text: str) -> str:
    """SHA-256 of the normal form, in hex. A lone surrogate, of which models write some, has one too."""
    return hashlib.sha256(normalized(text).encode(errors="surrogatepass")).hexdigest()


def is_shown_as(sent: str, shown: str, *, has_card: bool = False) -> bool:
    """Whether `shown`, as a page shows a whole text, is `sent`.

    A page shows a link with a scheme that nobody typed or without one that was typed, without its last slash, and
    shortened at an ellipsis; one at the end it leaves out where a card hangs below (has_card). All else must be the
    same.

    >>> is_shown_as("read https://example.com/a/long/path", "read example.com/a/lo…")
    True
    >>> is_shown_as("read https://a.com", "read", has_card=True), is_shown_as("read https://a.com", "read")
    (True, False)
    """
    mine, theirs = normalized(sent).split(), normalized(shown).split()
    if has_card and mine and len(theirs) == len(mine) - 1 and _LINK.match(mine[-1]):
        mine.pop()
    return len(mine) == len(theirs) and all(map(_is_word_shown_as, mine, theirs))


def _is_word_shown_as(sent: str, shown: str) -> bool:
    if sent == shown:
        return True
    if not _LINK.match(sent):
        return False
    mine, theirs = _SCHEME.sub("", sent).rstrip("/"), _SCHEME.sub("", shown).rstrip("/")
    if theirs.endswith(_SHORTENED):
        beginning = theirs.removesuffix(_SHORTENED)
        # Cut within the path: a domain that is cut could be anybody's.
        return "/" in beginning and mine.startswith(beginning)
    return mine == theirs


def may_begin_with(sent: str, shown: str) -> bool:
    """Whether a text of which only the beginning is shown may be `sent`. A hint where to look, and no proof.

    >>> may_begin_with("a long text about sleep", "a long text…"), may_begin_with("a long text", "another")
    (True, False)
    """
    mine, theirs = normalized(sent).split(), normalized(shown).removesuffix(_SHORTENED).split()
    if not theirs:
        return True
    *whole, last = theirs
    return len(mine) >= len(theirs) and all(
        _is_word_shown_as(a, b) or (n == len(whole) and a.startswith(last))
        for n, (a, b) in enumerate(zip(mine, theirs, strict=False))
    )
