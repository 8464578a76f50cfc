"""Length and links are those of the site: what twitter-text said of 3,000 texts, and says of new ones where it is."""

import json
import os
import random
import shutil
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.content import checks
from domain.content.links import LONGEST, links, spans, units
from domain.content.weight import MOST, weight
from tests.reference.make import WEIGHTS, asked
from tests.reference.texts import texts

RECORDED: list[tuple[str, int, list[list[int]]]] = [tuple(row) for row in json.loads(WEIGHTS.read_text())]
REFERENCE = os.environ.get("TWITTER_TEXT", "")


def _there(text: str) -> list[list[int]]:
    return [[span.start, span.end] for span in spans(units(unicodedata.normalize("NFC", text)))]


def test_the_record_is_of_texts_with_domains_and_without() -> None:
    assert len(RECORDED) >= 3_000
    assert sum(bool(found) for _, _, found in RECORDED) >= 1_500


def test_a_text_weighs_what_the_site_says() -> None:
    assert [(text, weight(text)) for text, _, _ in RECORDED] == [(text, said) for text, said, _ in RECORDED]


def test_a_link_is_where_the_site_finds_one() -> None:
    assert [(text, _there(text)) for text, _, _ in RECORDED] == [(text, found) for text, _, found in RECORDED]


def test_roost_posts_nothing_in_which_the_site_finds_a_link() -> None:
    for text, _, found in RECORDED:
        match checks.check(text, checks.Recent()):
            case checks.Rejected(reasons):
                refused = {reason.code for reason in reasons}
            case checks.Accepted():
                refused = set()
        assert ("link" in refused) == bool(found), text


@pytest.mark.skipif(
    not REFERENCE or shutil.which("node") is None,
    reason="TWITTER_TEXT names no directory of twitter-text 3, or there is no node: only the record was compared",
)
def test_new_texts_weigh_what_twitter_text_says() -> None:
    new = [text for text in texts(random.Random(), 5_000) if len(units(text)) <= LONGEST]
    said: list[Any] = asked("weigh", REFERENCE, new)
    assert [(text, weight(text), _there(text)) for text in new] == [
        (text, *row) for text, row in zip(new, said, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See nih.gov/sleep for more", ("nih.gov/sleep",)),
        ("Drink more water.It helps", ("water.It",)),
        ("Sleep well (harvard.edu/a_(b)), then walk", ("harvard.edu/a_(b)",)),
        ("Write to me@mail.example.org or @user.com", ()),
        ("At 9.30 am, i.e. early, e.g. now... then", ()),
        ("https://t.co/abc/def and t.co", ("https://t.co/abc", "t.co")),
        ("Lies bücher.de, 日本example.com", ("bücher.de", "example.com")),
        ("НАШ САЙТ http://пример.РФ", ("http://пример.РФ",)),
        ("Walk.", ()),
    ],
)
def test_links_are_read_as_the_site_reads_them(text: str, found: tuple[str, ...]) -> None:
    assert links(text) == found


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("👩‍🎤", 2),
        ("🇩🇪", 2),
        ("1️⃣", 2),
        ("✈\ufe0e", 4),
        ("e\u0301", 1),
        ("한국", 4),
        ("\ud83d", 2),
        ("𠮷", 2),
        ("–", 1),
        ("…", 2),
    ],
)
def test_what_is_one_for_the_reader_is_counted_as_the_site_counts_it(text: str, size: int) -> None:
    assert weight(text) == size


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_text_weighs_no_more_than_its_parts_apart(one: str, other: str) -> None:
    assert weight(f"{one} {other}") <= weight(one) + 1 + weight(other) + len(one) + len(other)
    assert weight(one) <= 2 * len(unicodedata.normalize("NFC", one)) + 23 * one.count(".")


@pytest.mark.parametrize("part", ["日.本", "a.b", "(", "日本。", "a", "https://x.com/(a", "🙂."])
def test_a_text_that_goes_on_and_on_is_too_long_and_takes_no_time(part: str) -> None:
    text = part * LONGEST
    assert weight(text) > MOST
    links(text)


def test_an_overlong_text_weighs_at_least_what_the_site_says() -> None:
    address = "https://example.com/" + "y" * LONGEST
    assert weight(address) >= 23
    assert weight("a.co " * LONGEST) >= 24 * LONGEST - 1


def test_half_an_emoji_is_refused_and_no_crash() -> None:
    match checks.check("Sleep well tonight \ud83d", checks.Recent()):
        case checks.Rejected(reasons):
            assert [reason.code for reason in reasons] == ["control"]
        case other:
            pytest.fail(f"{other}")
