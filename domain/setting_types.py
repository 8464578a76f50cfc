"""The kinds of settings: how each is read from text, and what is said when it cannot be.

Pure, and of the standard library alone: see `domain/settings.py`.
"""

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HIDDEN = "***"
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


class Secret:
    """A value that shows itself only to who asks by `reveal()`: not in a log, a page, a traceback or a repr."""

    __slots__ = ("_shown", "_value")

    def __init__(self, value: str, shown: str = HIDDEN) -> None:
        """shown: what may be seen of it, such as a URL without its password."""
        self._value = value
        self._shown = shown

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"Secret({self._shown})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class InvalidSetting(Exception):
    """A text that is not of its kind: why, and what to do."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


@dataclass(frozen=True, slots=True)
class SettingType:
    """A type of setting. label: its name for people. parse: text to value; raises Wrong."""

    label: str
    parse: Callable[[str], Any]
    secret: bool = False


def _text(value: str) -> str:
    return value


def _switch(value: str) -> bool:
    match value.lower():
        case "yes" | "true" | "1" | "on":
            return True
        case "no" | "false" | "0" | "off":
            return False
    raise InvalidSetting("it is neither yes nor no", "Write yes or no.")


def whole(least: int, most: int) -> SettingType:
    """A whole number from `least` to `most`."""
    fix = f"Give a whole number from {least} to {most}."

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise InvalidSetting("it is not a whole number", fix) from None
        if not least <= number <= most:
            raise InvalidSetting("it is out of range", fix)
        return number

    return SettingType(f"whole number, {least} to {most}", parse)


def number(least: float, most: float, above: bool = False) -> SettingType:
    """A number from `least` (or above it) to `most`."""
    reach = f"above {least:g}, at most {most:g}" if above else f"{least:g} to {most:g}"
    fix = f"Give a number {'' if above else 'from '}{reach}."

    def parse(value: str) -> float:
        try:
            found = float(value)
        except ValueError:
            raise InvalidSetting("it is not a number", fix) from None
        if not math.isfinite(found) or not least <= found <= most or (above and found == least):
            raise InvalidSetting("it is out of range", fix)
        return found

    return SettingType(f"number, {reach}", parse)


def choice(*words: str) -> SettingType:
    """One of a few words."""

    def parse(value: str) -> str:
        if value.lower() not in words:
            raise InvalidSetting("there is no such choice", f"Write one of: {', '.join(words)}.")
        return value.lower()

    return SettingType(" or ".join(words), parse)


def url(*schemes: str, example: str) -> Callable[[str], str]:
    """A parser of URLs with one of these schemes. A URL of a Unix socket (no host, a query or a path) is one too."""
    fix = f"Write it like {example}."

    def parse(value: str) -> str:
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise InvalidSetting("it cannot be read as a URL", fix) from None
        if parts.scheme not in schemes:
            raise InvalidSetting(f"it does not begin with {' or '.join(scheme + '://' for scheme in schemes)}", fix)
        if port == 0 or not (parts.netloc or parts.path or parts.query) or any(char.isspace() for char in value):
            raise InvalidSetting("it is no complete URL", fix)
        if parts.scheme.startswith("http") and not parts.hostname:
            raise InvalidSetting("it names no host", fix)
        return value

    return parse


def secret_url(*schemes: str, example: str) -> SettingType:
    plain = url(*schemes, example=example)
    return SettingType(
        f"URL ({schemes[0]}://…)", lambda value: Secret(plain(value), without_password(value)), secret=True
    )


def without_password(value: str) -> str:
    """The URL with its password, and whatever its query holds, hidden."""
    parts = urlsplit(value)
    place = parts.netloc
    if "@" in place:
        who, _, host = place.rpartition("@")
        place = f"{who.partition(':')[0]}:{HIDDEN}@{host}" if ":" in who else f"{who}@{host}"
    return f"{parts.scheme}://{place}{parts.path}{'?' + HIDDEN if parts.query else ''}"


def place(example: str) -> Callable[[str], str]:
    """A parser of http URLs that are a host and a path, and nothing that could be a secret."""
    plain = url("http", "https", example=example)

    def parse(value: str) -> str:
        parts = urlsplit(plain(value))
        if parts.username or parts.password or parts.query or parts.fragment:
            raise InvalidSetting("it carries more than a host and a path", f"Write it like {example}.")
        return value.rstrip("/")

    return parse


def handle(value: str) -> str:
    """A handle of the site, without its @."""
    bare = value.removeprefix("@")
    if not re.fullmatch(r"[A-Za-z0-9_]{1,15}", bare):
        raise InvalidSetting("it is no handle", "Give 1 to 15 letters, digits or underscores.")
    return bare


LOGIN_COOKIES = ("auth_token", "ct0")


def session(value: str) -> Secret:
    """Playwright's storage state in base64, with a login in it."""
    fix = "Give the base64 of Playwright's storage state, with the cookies auth_token and ct0 of the account."
    joined = "".join(value.split())
    try:
        found = login_cookies(joined)
    except (ValueError, TypeError, KeyError):
        raise InvalidSetting("it is not a storage state", fix) from None
    if len(found) < len(LOGIN_COOKIES):
        raise InvalidSetting("it has no login in it", fix)
    return Secret(joined)


def login_cookies(state: str) -> list[str]:
    """The values of the login cookies in a storage state in base64. ValueError, TypeError, KeyError if it is none."""
    cookies = json.loads(base64.b64decode(state, validate=True))["cookies"]
    return [str(cookie["value"]) for cookie in cookies if cookie["name"] in LOGIN_COOKIES and cookie["value"]]


TEXT = SettingType("text", _text)
PATH = SettingType("path", _text)
SWITCH = SettingType("yes or no", _switch)
KEY = SettingType("text", Secret, secret=True)


def is_loopback(host: str) -> bool:
    """Whether the host name or address never leaves the machine."""
    return _LOOPBACK.fullmatch(host.lower().strip("[]")) is not None
