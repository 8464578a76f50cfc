"""How long a text is for the site: its weighted count, as twitter-text 3 has it.

Every code point of Latin and general punctuation weighs 1, any other 2, an emoji sequence 2 as a whole, a link 23,
whatever its length (https://docs.x.com/fundamentals/counting-characters). The tables are twitter-text's own
(`site_tables`), and `tests/domain/test_weight.py` holds the counts against those of twitter-text: they are the same,
but for a text of over 1,500 code units, which weighs at least what it weighs there.
"""

import re
import unicodedata
from functools import cache

from domain.content import site_tables as tables
from domain.content.links import LONGEST, spans, units

MOST = 280
LINK_WEIGHT = 23
EMOJI_WEIGHT = 2


def weight(text: str) -> int:
    """The weighted length. A text may weigh 280 (`MOST`).

    >>> weight("See nih.gov/sleep"), weight("日本"), weight("👩‍🎤")
    (27, 4, 2)
    """
    there = units(unicodedata.normalize("NFC", text))
    if len(there) > LONGEST:
        return _at_most(there)
    known = [(match.start(), match.end(), EMOJI_WEIGHT) for match in _emoji().finditer(there)]
    links = [(span.start, span.end, LINK_WEIGHT) for span in spans(there)]
    begins = {start: (end, cost) for start, end, cost in known + links}  # a link goes before an emoji
    total = at = 0
    while at < len(there):
        if at in begins:
            at, cost = begins[at]
            total += cost
        else:
            total += _unit_weight(there[at : at + 2])
            at += _is_pair(there[at : at + 2]) + 1
    return total


def _at_most(there: str) -> int:
    """What it cannot be over: nothing is a link that has no full stop, and no emoji weighs more than its parts."""
    return LINK_WEIGHT * there.count(".") + sum(1 if _is_light(unit) else 2 for unit in there)


def _unit_weight(two: str) -> int:
    """Of a code point, by its first unit and the one after it. What takes two units is not in the light ranges."""
    return 1 if not _is_pair(two) and _is_light(two[0]) else 2


def _is_light(unit: str) -> bool:
    return any(low <= ord(unit) <= high for low, high in tables.LIGHT)


def _is_pair(two: str) -> bool:
    return len(two) == 2 and "\ud800" <= two[0] <= "\udbff" and "\udc00" <= two[1] <= "\udfff"


@cache
def _emoji() -> re.Pattern[str]:
    return re.compile(tables.EMOJI)
