"""What can go wrong between Roost and its stores, in words an operator can act on.

No message carries a password: connection strings are shown by `redacted`, and texts that come from a driver go
through `without_secrets`.
"""

import re

import psycopg
from psycopg import conninfo


class StoreError(Exception):
    """Something about a store; the text says what happened, why, and what to do."""


class MigrationError(StoreError):
    """The schema could not be brought up to date. Nothing of a failed migration stays."""


class JournalUnavailable(StoreError):
    """The journal cannot be read or written: nothing may be published until it can."""


_URL_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^/@:\s]*:)[^\s]*(?=@)", re.IGNORECASE)
_KEY_PASSWORD = re.compile(r"(?P<head>\b(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)
_DELIMITERS = re.compile(r"[@:/?#\[\]]")


def without_secrets(text: str, dsn: str = "") -> str:
    """`text` with the passwords of `dsn`, and anything that looks like one in a connection string, starred out."""
    for secret in sorted(_secrets_of(dsn), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _URL_PASSWORD.sub(r"\g<head>***", text)
    return _KEY_PASSWORD.sub(r"\g<head>***", text)


def redacted(dsn: str) -> str:
    """Where a connection string points, without what opens it: `user@host:port/database`."""
    parts = _parsed(dsn)
    if not parts:
        return "(unreadable connection string)"
    host = parts.get("host") or parts.get("hostaddr") or "local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    user = f"{parts['user']}@" if parts.get("user") else ""
    return without_secrets(f"{user}{host}{port}/{parts.get('dbname') or ''}", dsn)


def _secrets_of(dsn: str) -> set[str]:
    secrets = {str(value) for key, value in _parsed(dsn).items() if key in ("password", "sslpassword") and value}
    _, url, rest = dsn.partition("://")
    if url and "@" in rest:
        # A password with an unescaped "@" or "/" ends up in the host or the port, for libpq and its messages.
        written = rest.rpartition("@")[0].partition(":")[2]
        secrets |= {written, *(piece for piece in _DELIMITERS.split(written) if len(piece) > 2)}
    return secrets - {""}


def _parsed(dsn: str) -> dict[str, object]:
    try:
        return dict(conninfo.conninfo_to_dict(dsn))
    except psycopg.Error:
        # Not passed on: the reason may quote the string, password and all. Connecting will fail and be reported.
        return {}


def is_away(error: BaseException) -> bool:
    """Whether an error of the driver means that Postgres, or the way to it, is gone: another attempt may help."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
