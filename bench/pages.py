"""One post through a page, and many of them: the same work for every way of `bench.browser` to come by a page.

It imports little, since it also runs in an environment that has Crawlee and not Roost's packages.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import count

from playwright.async_api import Page

from actors.resources.chromium import ON_PATH
from social.driver import PageSite
from social.site import Draft

POSTS = 24  # of each way, in turns
AT_ONCE = 3
numbers = count(int(time.time()))  # a text that was posted before is refused

Opened = Callable[[], AbstractAsyncContextManager[Page]]


async def post(page: Page, url: str) -> int:
    async def arm() -> None:
        pass

    posted = await PageSite(url, "roost").publish(
        page, Draft(f"One more glass of water, number {next(numbers)}."), arm
    )
    return posted.id


async def each(opened: Opened, url: str) -> float:
    """Seconds for POSTS posts, each on a page that `opened` brings, AT_ONCE at a time."""

    async def work() -> None:
        for _ in range(POSTS // AT_ONCE):
            async with opened() as page:
                await post(page, url)

    began = time.monotonic()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return time.monotonic() - began


def executable() -> str | None:
    """As the browser resource finds it."""
    found = os.environ.get("BROWSER_EXECUTABLE")
    return found or next((place for name in ON_PATH if (place := shutil.which(name))), None)
