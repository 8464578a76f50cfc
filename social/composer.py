"""The composer on a page: which one is meant, what lies over it, and what it holds.

From a width of 688 px on, the compose page is a dialog over the timeline, whose own composer may be there first; its
button has another name. Over both may lie a cookie bar, an offer, a sheet. What has a plain "Close" or "Not now" is
closed by that, as its reader would; anything else is told and left, for nothing here agrees to an offer.
"""

from playwright.async_api import Locator, Page

from domain.publishing.uniqueness import normalized
from social.navigation import Timeouts, open_page, within
from social.site import PageBroken

TEXT_AREA = '[data-testid="tweetTextarea_0"]'
SEND = '[data-testid="tweetButton"]'
READY = f'{SEND}:not([aria-disabled="true"]):not([disabled])'
DIALOG = '[role="dialog"]'
BOTH = f":has({TEXT_AREA}):has({SEND})"
MOST_LAYERS = 4

PLAIN = (
    "close",
    "dismiss",
    "not now",
    "maybe later",
    "later",
    "no thanks",
    "no, thanks",
    "skip",
    "skip for now",
    "refuse non-essential cookies",
    "got it",
)

# What lies over the middle of `part` of the composer: nothing (null), with a plain way to close it (that button), or
# its words.
COVER_SCRIPT = """
(composer, {part, plain}) => {
  const target = composer.querySelector(part);
  if (!target) return null;
  target.scrollIntoView({block: "center"});
  const box = target.getBoundingClientRect();
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  if (!at || composer.contains(at) || at.contains(composer)) return null;
  let layer = at;
  while (layer.parentElement && !layer.parentElement.contains(composer)) layer = layer.parentElement;
  const beside = Array.from(document.querySelectorAll('[role="dialog"], [data-testid="sheetDialog"]'))
    .filter((each) => !each.contains(composer) && !composer.contains(each));
  const said = (node) => (node.textContent || "").trim().replace(/\\s+/g, " ");
  for (const root of [layer, ...beside]) {
    for (const button of root.querySelectorAll('button, [role="button"]')) {
      const name = (button.getAttribute("aria-label") || said(button)).trim().toLowerCase();
      if (plain.includes(name) && button.getClientRects().length) return button;
    }
  }
  return said(layer) || beside.map(said).join(" ") || layer.getAttribute("data-testid") || "something without words";
}
"""


class Composer:
    """The one composer of a tab that is meant. Its errors are the site's."""

    def __init__(self, tab: Page, handle: str, timeouts: Timeouts) -> None:
        """handle: whose composer it has to be."""
        self._tab = tab
        self._handle = handle
        self._timeouts = timeouts

    async def open(self, base_url: str, parent: int | None) -> None:
        """Goes to the compose page, to answer `parent` if there is one."""
        path = "/compose/post" if parent is None else f"/compose/post?in_reply_to={parent}"
        await open_page(self._tab, base_url, path, SEND, self._handle, self._timeouts)

    async def type(self, text: str) -> None:
        """Puts the text in, and checks that it alone is there."""
        async with within(self._timeouts.compose, "type the post"):
            composer = await self._found()
            await self._uncover(composer, TEXT_AREA)
            area = composer.locator(TEXT_AREA).first
            await area.click(timeout=self._milliseconds)
            await self._tab.keyboard.insert_text(text)
        await self.check(text)
        async with within(self._timeouts.compose, "wait for the send button"):
            await composer.locator(READY).first.wait_for(timeout=self._milliseconds)

    async def check(self, text: str) -> None:
        """Raises PageBroken where it does not hold the very text."""
        async with within(self._timeouts.compose, "read the composer"):
            typed = await (await self._found()).locator(TEXT_AREA).first.inner_text()
        if normalized(typed) != normalized(text):
            raise PageBroken(
                "type the post: the composer holds another text than was typed. Try again with a new tab."
            )

    async def aim(self, text: str) -> Locator:
        """The button, once it can be pressed and nothing but the text would be sent. Nothing has been pressed yet."""
        async with within(self._timeouts.compose, "find the send button"):
            composer = await self._found()
            await self._uncover(composer, SEND)
        await self.check(text)
        async with within(self._timeouts.compose, "aim at the send button"):
            button = composer.locator(READY).first
            await button.click(timeout=self._milliseconds, trial=True)
        return button

    async def _found(self) -> Locator:
        """The dialog's composer where there is one, else the one with the button of a page of its own."""
        either = self._tab.locator(BOTH)
        await either.first.wait_for(state="attached", timeout=self._milliseconds)
        in_dialog = self._tab.locator(f"{DIALOG}{BOTH}")
        # The last of those that hold both is the innermost.
        return in_dialog.last if await in_dialog.count() else either.last

    async def _uncover(self, composer: Locator, part: str) -> None:
        """Closes what lies over a part of it. Raises PageBroken where that has no plain close."""
        for _ in range(MOST_LAYERS):
            found = await composer.evaluate_handle(COVER_SCRIPT, {"part": part, "plain": list(PLAIN)})
            button = found.as_element()
            if button is None:
                over = await found.json_value()
                if over is None:
                    return
                raise PageBroken(f"type the post: {str(over)[:120]!r} lies over the composer. Look at the page.")
            await button.click(timeout=self._milliseconds)
        raise PageBroken(
            f"type the post: {MOST_LAYERS} layers over the composer were closed, and one is there still."
        )

    @property
    def _milliseconds(self) -> float:
        return self._timeouts.compose * 1000
