"""The posts of `bench.browser` through Crawlee's browser pool: in a process and an environment of its own."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from actors.resources.chromium import FLAGS, SIZE
from bench import pages


async def pooled(url: str, session: Any) -> float:
    """Seconds for all posts, after the pool has started its browser."""
    from crawlee.browsers import BrowserPool, PlaywrightBrowserPlugin  # type: ignore[import-not-found]

    plugin = PlaywrightBrowserPlugin(
        browser_launch_options={
            "executable_path": pages.executable(),
            "args": list(FLAGS),
            "chromium_sandbox": False,
        },
        browser_new_context_options={"storage_state": session, "viewport": SIZE},
        use_incognito_pages=True,
    )
    async with BrowserPool([plugin]) as pool:

        @asynccontextmanager
        async def opened() -> Any:
            lent = await pool.new_page()
            try:
                yield lent.page
            finally:
                await lent.page.close()

        async with opened() as page:
            await page.goto("about:blank")
        return await pages.each(opened, url)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    pages.numbers = count(given["first"])
    print(asyncio.run(pooled(given["url"], given["session"])))
