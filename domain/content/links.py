"""Which parts of a text the site takes for links: as twitter-text 3 reads them, whatever the author meant.

A domain needs no scheme: `nih.gov/sleep` is a link, and so is `water.It`, where a blank was forgotten. The structure
of an address is written here as in twitter-text's expressions, its tables (endings of domains, classes of characters)
are in `site_tables`. Like the site's own code this works on UTF-16 code units, or an emoji inside an address would be
read otherwise here than there.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from domain.content import site_tables as tables

MOST_UNITS = 4096  # of an address, with its scheme
MOST_SLUG = 40  # of the site's own short links
MOST_LABEL = 63  # of a part of a domain, as it stands in the DNS
ASSUMED = "https://"
LONGEST = 1_500  # units that are read: the work grows with the square, and a post of more is none of Roost's
NOT_BEFORE = "-_./"  # what stands before a domain that is none
_FULL_STOPS = re.compile("[\u3002\uff0e\uff61]")
_NOT_ASCII = re.compile("[^ -~]")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a link stands in `units`: from start, up to end."""

    start: int
    end: int


def links(text: str) -> tuple[str, ...]:
    """The links in a text, in order. What stands behind its first 1,500 units is not read: it is too long anyhow.

    >>> links("Sleep more (nih.gov/sleep), drink water.It helps")
    ('nih.gov/sleep', 'water.It')
    """
    there = units(unicodedata.normalize("NFC", text))[:LONGEST]
    return tuple(as_text(there[span.start : span.end]) for span in spans(there))


def units(text: str) -> str:
    """The UTF-16 code units of a text, each as a character. A lone surrogate is a unit like any other."""
    if max(text, default="") < "\U00010000":
        return text
    return "".join(map(chr, memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")))


def as_text(there: str) -> str:
    """The text of such units."""
    return there.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def spans(there: str) -> tuple[Span, ...]:
    """The links in code units, in order. there: normalized (NFC), as the site does first."""
    found: list[Span] = []
    for match in _address().finditer(there) if "." in there else ():
        url, domain = match["url"], match["domain"]
        if not _can_be(url, match["scheme"] or ASSUMED, domain):
            continue
        if match["scheme"]:
            found += _with_scheme(url, match.start("url"))
        elif not match["before"].endswith(tuple(NOT_BEFORE)):
            found += _without_scheme(match, domain)
    return tuple(found)


def _with_scheme(url: str, start: int) -> list[Span]:
    short = _short_link().match(url)
    if short is None:
        return [Span(start, start + len(url))]
    return [Span(start, start + short.end())] if len(short["slug"]) <= MOST_SLUG else []


def _without_scheme(match: re.Match[str], domain: str) -> list[Span]:
    """What of a domain is in Latin letters, each a link; the last takes the path with it."""
    start, at, found = match.start("domain"), 0, []
    for name in (each.group() for each in _latin_domain().finditer(domain)):
        begins = domain.index(name, at)
        at = begins + len(name)
        found.append(Span(start + begins, start + at))
    if found and match["path"]:
        # Its length is that of the whole address with the domain replaced, as the site counts it.
        length = len(match["url"]) - len(domain) + found[-1].end - found[-1].start
        found[-1] = Span(found[-1].start, found[-1].start + length)
    return found


def _can_be(url: str, scheme: str, domain: str) -> bool:
    labels = domain.split(".")
    if domain.startswith("xn--") and _latin_domain().search(domain) is None:
        return False
    return len(scheme) + len(url) <= MOST_UNITS and all(1 <= _dns_length(label) <= MOST_LABEL for label in labels)


def _dns_length(label: str) -> int:
    """Of a part of a domain, in the characters of the DNS (punycode, RFC 3492)."""
    text, length = as_text(label), 0
    parts = _FULL_STOPS.split(text)
    for part in parts:
        length += len("xn--") + len(part.encode("punycode")) if _NOT_ASCII.search(part) else len(part)
    return length + len(parts) - 1


# The expressions. ASCII with IGNORECASE folds A to Z alone; what else is the same in both cases is in the tables.


@cache
def _address() -> re.Pattern[str]:
    char, path = f"[{tables.DOMAIN}]", f"[{tables.PATH}]"
    subdomain = rf"(?:(?:{char}(?:[_-]|{char})*)?{char}\.)"
    name = rf"(?:(?:{char}(?:-|{char})*)?{char}\.)"
    balanced = rf"\((?:{path}+|(?:{path}*\({path}+\){path}*))\)"
    step = rf"(?:{path}*(?:{balanced}{path}*)*[{tables.PATH_END}]|{balanced}|@{path}+/)"
    return _compiled(
        rf"(?P<before>[{tables.BEFORE}]|^)(?P<url>(?P<scheme>https?://)?(?P<domain>{subdomain}*{name}{_ending()})"
        rf"(?::[0-9]+)?(?P<path>/{step}*)?{_QUERY}?)"
    )


@cache
def _latin_domain() -> re.Pattern[str]:
    return _compiled(rf"(?:[{tables.ASCII_DOMAIN}]+\.)+{_ending()}")


@cache
def _short_link() -> re.Pattern[str]:
    return _compiled(rf"https?://t\.co/(?P<slug>[a-z0-9]+){_QUERY}?")


_QUERY = rf"(?:\?[{tables.QUERY}]*[{tables.QUERY_END}])"


@cache
def _ending() -> str:
    """An ending of a domain, with what may stand behind it."""
    names = tables.TLDS.split()
    plain = [name for name in names if name.isascii()]
    other = ["".join(f"[{tables.CASES.get(char, char)}]" for char in name) for name in names if not name.isascii()]
    return rf"(?:(?:{'|'.join(other)}|{_tree(plain)})(?=[^0-9a-zA-Z@+-]|$)|xn--[-0-9a-z]+)"


def _tree(words: list[str]) -> str:
    """These words by their beginnings, so that a thousand of them are not tried one by one."""
    after: dict[str, list[str]] = {}
    for word in words:
        if word:
            after.setdefault(word[0], []).append(word[1:])
    branches = "|".join(f"{re.escape(first)}{_tree(rest)}" for first, rest in after.items())
    return f"(?:{branches}){'?' if '' in words else ''}" if branches else ""


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)
