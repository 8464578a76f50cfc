"""The site's session: Playwright's storage state, kept for as long as the process lives.

It comes from the operator (`TWITTER_SESSION_B64`, or `SetSession` later), or from the sandbox's side door. Roost
never logs in by itself, so an expired one stays until somebody gives another; also the sandbox is asked only once.
"""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from actors.ground.servers import server_state
from actors.system import System
from domain.settings import Settings

ANSWER_SECONDS = 5.0


class NoSession(Exception):
    """There is no session to begin with. The text says why."""


@dataclass(frozen=True, slots=True)
class SetSession:
    """To the browser actor: use this storage state for every context from now on."""

    state: Mapping[str, Any] = field(repr=False)


class Keeper:
    """Where the session is; one for all incarnations of the browser's actor."""

    def __init__(self) -> None:
        self._state: Mapping[str, Any] | None = None

    def replace(self, state: Mapping[str, Any]) -> None:
        """Another session."""
        self._state = state

    def state(self) -> Any:
        """The storage state for a new context; None before there is one."""
        return None if self._state is None else dict(self._state)

    def fill(self, system: System, settings: Settings) -> None:
        """Get a first session, if there is none yet. Blocks. Raises NoSession."""
        if self._state is not None:
            return
        if settings.twitter_session_b64 is not None:
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
