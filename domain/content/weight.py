"""How long a text is for the site: X's weighted count.

Every code point of Latin and general punctuation weighs 1, any other 2, an emoji sequence 2 as a whole, a link 23,
whatever its length (https://docs.x.com/fundamentals/counting-characters, twitter-text configuration v3). What this
reads less exactly than the site (emoji sequences) it counts too high, never too low.
"""

import re
import unicodedata

MOST = 280
LINK_WEIGHT = 23
LINK = re.compile(
    r"\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|io|co|ai|app|dev|info|me|ly)\b(?:/\S*)?", re.IGNORECASE
)
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


def weight(text: str) -> int:
    """The weighted length. A text may weigh 280 (`MOST`)."""
    normal = unicodedata.normalize("NFC", text)
    links = len(LINK.findall(normal))
    return LINK_WEIGHT * links + sum(_char_weight(char) for char in LINK.sub("", normal))


def _char_weight(char: str) -> int:
    return 1 if any(low <= ord(char) <= high for low, high in _LIGHT) else 2
