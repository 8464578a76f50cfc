"""Texts that are hard to count: addresses in every company, scripts, emoji, and what is broken."""

# ruff: noqa: E501
import random

WORDS = [
    "sleep",
    "water",
    "walk",
    "the",
    "a",
    "of",
    "more",
    "light",
    "plan",
    "good",
    "habit",
    "study",
    "shows",
    "coffee",
    "night",
    "rest",
    "I",
    "no",
    "Is",
    "It",
    "me",
    "So",
    "In",
    "To",
    "At",
    "Be",
    "day",
    "read",
    "data",
    "deep",
    "fast",
]
TLDS = [
    "com",
    "org",
    "net",
    "gov",
    "io",
    "it",
    "is",
    "me",
    "so",
    "in",
    "to",
    "at",
    "be",
    "no",
    "us",
    "uk",
    "co",
    "ai",
    "app",
    "dev",
    "info",
    "ly",
    "day",
    "health",
    "fit",
    "run",
    "coffee",
    "zone",
    "tech",
    "museum",
    "de",
    "fr",
    "jp",
    "xyz",
    "onion",
    "photography",
    "ninja",
    "COM",
    "Gov",
    "iT",
    "zz",
    "localhost",
    "txt",
    "py",
    "md",
    "中国",
    "рф",
    "РФ",
    "онлайн",
    "vermögensberatung",
    "xn--p1ai",
    "セール",
    "삼성",
    "co.uk",
    "com.au",
]
NAMES = [
    "nih",
    "example",
    "my-site",
    "a",
    "sub.domain",
    "x_y-z",
    "t",
    "x",
    "1",
    "99",
    "bücher",
    "日本語",
    "пример",
    "www.nih",
    "-bad",
    "bad-",
    "xn--wgv71a",
    "_u",
    "😀face",
    "harvard.edu",
    "water",
    "sleep",
    "day",
    "hours",
]
PATHS = (
    "/ /sleep /a/b/c.html /wiki/Sleep_(biology) /(a(b)c) /( /x). /?q=1&r=[2] ?q=a b #frag /#frag /路 /путь /@user/post "
    "/a, /a! /a; :80 :8080/x /é /%20 /a–b /x?y=z. /" + "p" * 60
).split()
BEFORE = (
    "",
    "",
    "",
    " ",
    "(",
    "@",
    "#",
    "$",
    "-",
    "_",
    ".",
    "/",
    "日本",
    "a",
    "é",
    "\u202a",
    "“",
    "\n",
    "user@",
    "😀",
)
AFTER = ("", "", " ", ".", ",", "!", ")", "…", "日本", "@", "+", "-", "_", "é", "😀", "\n", "'s", "\ufeff", "a")
SCHEMES = ("", "", "", "http://", "https://", "HTTPS://", "ftp://", "//", "https:/")
EMOJI = [
    "🙂",
    "👍🏽",
    "👩\u200d🎤",
    "👨\u200d👩\u200d👧\u200d👦",
    "🏳️\u200d🌈",
    "🇩🇪",
    "🇩",
    "1️⃣",
    "#️⃣",
    "*⃣",
    "❤️",
    "❤",
    "☺",
    "✈︎",
    "✈️",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "🧑\u200d💻",
    "🫠",
    "🥹",
    "👁️\u200d🗨️",
    "🤷🏿\u200d♀️",
    "🕵️\u200d♂️",
    "‼️",
    "©️",
    "©",
    "™",
    "🀄",
    "🧜🏻\u200d♂️",
    "😶\u200d🌫️",
    "\u200d",
    "️",
    "⃣",
]
OTHERS = (
    "e\u0301", "n\u0303o", "\u1112\u1161\u11ab", "한국", "カﾞ", "你好，世界", "שלום", "مرحبا", "ไทย", "“q”", "–", "—", "…", "‰", "′", "€", "\u2028",
    "\u200b", "\u200c", "\u3000", "\t", "\r\n", "\ud83d", "\ude00", "𝒳", "𠮷", "\u212b", "\ufb01", "\u017f", "\u212a", "İ",
    "\u0958", "\ufffe", "\x00",
)  # fmt: skip
SOCIAL = ("@user", "#tag", "$TSLA", "@user.com", "#tag.com", "a@b.com", "me@mail.example.org", "@a/b.co", "e.g.", "i.e.",
          "3.5", "v1.2.io", "St.Louis", "Dr.No", "9.30am", "https://t.co/abcDEF123", "t.co/abc", "https://t.co/abc?x=1",
          "https://t.co/" + "z" * 41, "https://t.co/abc/def", "https://example.com/" + "y" * 300, "x" * 64 + ".com",
          "日" * 25 + ".com", "https://" + "ü" * 58 + ".de", "https://" + "ü" * 57 + ".de", "日本。中国.com", "http://a.b.c",
          "http://日本語.jp/路", "пример.рф", "http://пример.рф", "example.com中b.com/path", "日本example.com/x",
          "http://example.com:80:90", "x.com.", "x.com/a)b(c", "http://x", "http://.com", "..com", "a..com", "x.coм")  # fmt: skip


def texts(chance: random.Random, number: int) -> list[str]:
    """So many."""
    return ["".join(_text(chance)) for _ in range(number)]


def _text(chance: random.Random) -> list[str]:
    parts = []
    for _ in range(chance.randint(1, 9)):
        parts.append(_part(chance))
        parts.append(chance.choice((" ", " ", " ", "", "", ".", ", ", "\n")))
    return parts


def _part(chance: random.Random) -> str:
    roll = chance.random()
    if roll < 0.4:
        return _address(chance)
    if roll < 0.6:
        return chance.choice(WORDS)
    if roll < 0.75:
        return chance.choice(EMOJI)
    if roll < 0.87:
        return chance.choice(OTHERS)
    return chance.choice(SOCIAL)


def _address(chance: random.Random) -> str:
    name = chance.choice(NAMES) if chance.random() < 0.7 else chance.choice(WORDS)
    path = chance.choice(PATHS) if chance.random() < 0.4 else ""
    start = chance.choice(BEFORE) + chance.choice(SCHEMES)
    return f"{start}{name}.{chance.choice(TLDS)}{path}{chance.choice(AFTER)}"
