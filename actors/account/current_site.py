"""The site as the runs see it: where it is now, for the sandbox may come back at another port."""

from typing import Any

from actors.core.board import Board
from actors.protocol.servers import server_state
from domain.settings import Settings
from social.driver import PageSite
from social.site import SiteTimeout


class PresentSite:
    """A `social.site.Site` that looks up its address at each use. Raises SiteTimeout while the sandbox is not up."""

    def __init__(self, settings: Settings, board: Board) -> None:
        self._settings = settings
        self._board = board

    @property
    def own_handle(self) -> str:
        """The account's handle, without @."""
        return self._settings.account

    def __getattr__(self, operation: str) -> Any:
        return getattr(PageSite(self._address(), self.own_handle), operation)

    def _address(self) -> str:
        if self._settings.site_url is not None:
            return self._settings.site_url
        state = server_state(self._board, "sandbox")
        if not state.up:
            raise SiteTimeout(f"the sandbox site is not up ({state.detail}); it is started again by its actor")
        return state.url
