"""Dying on purpose at an edge of publishing, so that a test can show what a restart makes of it.

`CRASH_AT` (sandbox only) names the edge; without it nothing happens here.
"""

import os
import signal


def passing(edge: str, crash_at: str | None) -> None:
    """Die here, with SIGKILL, if that is asked for. edge: one of `domain.publishing.edges`."""
    if edge == crash_at:
        os.kill(os.getpid(), signal.SIGKILL)
