"""When two posts are the same: for uniqueness before sending, and to know an own post again on a page.

A page does not give back the bytes that were typed: it joins spaces, turns line ends, drops invisible marks. What is
compared is therefore a normal form that survives that.
"""

import hashlib
import unicodedata

from domain.calendar import DAY

UNIQUE_FOR = 30 * DAY
_VARIATION_SELECTORS = {0xFE0E, 0xFE0F}


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
    """SHA-256 of the normal form, in hex."""
    return hashlib.sha256(normalized(text).encode()).hexdigest()
