"""The site's session: Playwright's storage state, kept for as long as the process lives.

It comes from the operator (`TWITTER_SESSION_B64`, or `SetSession` later), or from the sandbox's side door. Roost
never logs in by itself, so an expired one stays until somebody gives another; also the sandbox is asked only once.
One that the operator gave while Roost ran is kept in the home, readable by its owner alone, and goes before the one
in the environment until that is changed.
"""

import base64
import hashlib
import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from actors.core.system import System
from actors.protocol.servers import server_state
from domain.settings import Settings

ANSWER_SECONDS = 5.0
KEPT = "session.json"  # in the home


class NoSession(Exception):
    """There is no session to begin with. The text says why."""


@dataclass(frozen=True, slots=True)
class SetSession:
    """To the browser actor: use this storage state for every context from now on."""

    state: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TakeBackSession:
    """To the browser actor: the one set last is no good, use the one before it."""


class SessionStore:
    """Where the session is; one for all incarnations of the browser's actor."""

    def __init__(self) -> None:
        self._state: Mapping[str, Any] | None = None
        self._before: Mapping[str, Any] | None = None

    def replace(self, state: Mapping[str, Any]) -> None:
        """Another session."""
        self._before, self._state = self._state, state

    def take_back(self) -> None:
        """The one before the last."""
        self._state = self._before

    def state(self) -> Any:
        """The storage state for a new context; None before there is one."""
        return None if self._state is None else dict(self._state)

    def fill(self, system: System, settings: Settings) -> None:
        """Get a first session, if there is none yet. Blocks. Raises NoSession."""
        if self._state is not None:
            return
        kept = kept_session(settings)
        if kept is not None:
            self._state = kept
        elif settings.twitter_session_b64 is not None:
            self._state = json.loads(base64.b64decode(settings.twitter_session_b64.reveal()))
        elif settings.site_url is None:
            state = server_state(system.board, "sandbox")
            if not state.up:
                raise NoSession(f"no session yet: the sandbox site is not up ({state.detail})")
            self._state = _from_sandbox(state.url)
        elif settings.on_sandbox:
            self._state = _from_sandbox(settings.site_url)
        else:
            raise NoSession("no session for the site: give one in TWITTER_SESSION_B64, or by `ctl session FILE`")


def keep_session(settings: Settings, state: Mapping[str, Any]) -> None:
    """Keep it for the next start. The sandbox gives its own anew, so none is kept for it. Raises OSError."""
    if _is_sandboxs(settings):
        return
    path = _path(settings)
    draft = path.with_name(f"{path.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"instead_of": _digest(settings), "state": state}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def kept_session(settings: Settings) -> Mapping[str, Any] | None:
    """The one that was kept, unless the environment has another since. Raises NoSession if it cannot be read."""
    if _is_sandboxs(settings):
        return None
    path = _path(settings)
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise NoSession(
            f"the session in {path} cannot be read: remove it, and give one by `ctl session FILE`"
        ) from None
    return found["state"] if found.get("instead_of") == _digest(settings) else None


def _is_sandboxs(settings: Settings) -> bool:
    return settings.on_sandbox and settings.twitter_session_b64 is None


def _path(settings: Settings) -> Path:
    return Path(settings.roost_home).expanduser().absolute() / KEPT


def _digest(settings: Settings) -> str:
    """Which session the environment has, without telling it."""
    given = settings.twitter_session_b64
    return "" if given is None else hashlib.sha256(given.reveal().encode()).hexdigest()


def _from_sandbox(url: str) -> Mapping[str, Any]:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/__sandbox/session")
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoSession(f"no session yet: the site at {url} does not give one ({error!r})") from error
    finally:
        connection.close()
    if not isinstance(found, dict) or "cookies" not in found:
        raise NoSession(f"no session yet: the site at {url} answers {answer.status} and no storage state")
    return found
