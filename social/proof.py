"""Whose page is this? Signed in is proven, never assumed: by the account's own links on the page, with its handle.

A page without the proof is one of three things: a wall that is known (a login, an account that is locked), which says
what is wrong; a page in another language; or a page that nobody knows, which is `Unproven`. A profile that a visitor
sees without a session looks much like the signed-in one and shows other posts, so nothing is read off it.
"""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.async_api import Page

from social.site import LONGEST_NAME, PageBroken, Restricted, SessionExpired, Unproven, WrongLanguage

OWN_LINK = 'a[data-testid="AppTabBar_Profile_Link"]'
SWITCHER = '[data-testid="SideNav_AccountSwitcher_Button"]'
PROOF = f"{OWN_LINK}, {SWITCHER}"
LOGIN_FORM = 'input[autocomplete="username"]'
WALL = (
    f'{LOGIN_FORM}, [data-testid="loginButton"], [data-testid="login"], a[href^="/i/flow/signup"], a[href^="/login"]'
)
CAPTCHA = ", ".join(
    f'iframe[{where}*="{maker}" i]'
    for maker in ("arkose", "captcha", "funcaptcha", "turnstile")
    for where in ("src", "id", "title")
)
LOGIN_PATHS = ("/i/flow/login", "/i/flow/signup", "/i/jf/onboarding", "/login")
ACCESS_PATHS = ("/account/access", "/account/suspended")
LANGUAGES = ("en",)  # what the rules of `social.reading` read

NEW_SESSION = "Give a new session (`ctl session FILE`)."
SEE_TO_IT = "Log in by hand, do what the site asks for, then `ctl account resume`."

# What a page says about whose it is, in one call. A notice is read where the site speaks, and nowhere where people
# do: a stranger may call himself "Your account is suspended".
SCRIPT = """
({link, switcher, wall, captcha, longest}) => {
  const PEOPLE = 'article, [data-testid="UserCell"], [data-testid="UserName"], [data-testid="User-Name"], '
    + '[data-testid="UserDescription"], [data-testid="tweetText"], [data-testid="trend"], [role="textbox"], h2, nav, '
    + '[data-testid="SideNav_AccountSwitcher_Button"], script, style, form';
  const NOTICE = new RegExp("^(your account (is|has been) ((permanently|temporarily|currently) )?"
    + "(suspended|locked|limited|restricted)|your account is in read.only mode|we.ve (temporarily )?(limited|locked|"
    + "restricted) (some of )?your account|confirm (that )?you.re (a )?human|verify (that )?you are (a )?human|"
    + "are you (a )?(robot|human)|we.ve detected unusual activity|unusual login activity)", "i");
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
    node.nodeType === 3 ? NodeFilter.FILTER_ACCEPT
      : node.matches(PEOPLE) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP);
  let notice = null;
  while (notice === null && words.nextNode()) {
    const text = words.currentNode.data.trim();
    if (text.length > 12 && NOTICE.test(text)) notice = text.slice(0, longest);
  }
  const own = document.querySelector(link), account = document.querySelector(switcher);
  return {
    lang: document.documentElement.lang.slice(0, 20), notice,
    link: own ? (own.getAttribute("href") || "").slice(0, longest) : null,
    account: account ? account.textContent.slice(0, longest) : null,
    wall: document.querySelector(wall) !== null, captcha: document.querySelector(captcha) !== null,
  };
}
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a page says about whose it is. handle: of who is signed in; None: it does not say."""

    handle: str | None
    language: str
    notice: str | None = None
    wall: bool = False
    captcha: bool = False


def claim_of(raw: object) -> Claim:
    """What `SCRIPT` read."""
    if not isinstance(raw, dict):
        return Claim(None, "")
    link, account = raw.get("link"), raw.get("account")
    handle = None
    if isinstance(account, str) and "@" in account:
        handle = account.rsplit("@", 1)[1].split()[0] if account.rsplit("@", 1)[1].split() else None
    if isinstance(link, str):
        # The link's own address is the stronger word: a name in the switcher may have an @ of its own.
        handle = urlsplit(link).path.strip("/") or None
    notice = raw.get("notice")
    return Claim(
        handle,
        str(raw.get("lang") or ""),
        notice if isinstance(notice, str) else None,
        raw.get("wall") is True,
        raw.get("captcha") is True,
    )


def judge(claim: Claim, handle: str, doing: str) -> None:
    """Raises what a page is that is not the account's, in a language that is read; returns where it is."""
    if claim.captcha:
        raise Restricted(f"{doing}: the site wants to know whether a person is there. {SEE_TO_IT}")
    if claim.notice is not None:
        raise Restricted(f"{doing}: the site says {claim.notice!r}. {SEE_TO_IT}")
    if claim.handle is None and claim.wall:
        raise SessionExpired(f"{doing}: the page is that of a visitor who is not signed in. {NEW_SESSION}")
    if claim.handle is None:
        raise Unproven(
            f"{doing}: the page shows neither who is signed in nor a known login. Look at it in a browser; "
            f"if the account is signed out, give a new session (`ctl session FILE`)."
        )
    if claim.handle.casefold() != handle.casefold():
        signed_in = claim.handle[:LONGEST_NAME]
        raise SessionExpired(f"{doing}: the session is that of @{signed_in}, not of @{handle}. Give the right one.")
    if claim.language and claim.language.split("-")[0].casefold() not in LANGUAGES:
        raise WrongLanguage(
            f"{doing}: the site's interface is in {claim.language!r}, which Roost does not read. Set the account's "
            "display language to English (Settings, Accessibility), then `ctl account resume`."
        )


async def prove(tab: Page, handle: str, doing: str, patience: float) -> None:
    """Raises what `judge` does of the page in `tab`. patience: real seconds in which the proof may still come."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while True:
        asked = {"link": OWN_LINK, "switcher": SWITCHER, "wall": WALL, "captcha": CAPTCHA, "longest": LONGEST_NAME}
        claim = claim_of(await tab.evaluate(SCRIPT, asked))
        try:
            judge(claim, handle, doing)
        except Unproven:
            if loop.time() >= until:
                raise
        else:
            return
        await asyncio.sleep(0.1)


def check_address(url: str, base_url: str, doing: str) -> None:
    """Raises what the address `url` says: the login flow, a locked account, another site."""
    at, base = urlsplit(url), urlsplit(base_url)
    if is_under(at.path, LOGIN_PATHS):
        raise SessionExpired(f"{doing}: the site asks for a login. {NEW_SESSION}")
    if is_under(at.path, ACCESS_PATHS):
        raise Restricted(f"{doing}: the site sent the account to {at.path}: it is locked. {SEE_TO_IT}")
    if at.scheme in ("http", "https") and at.netloc != base.netloc:
        raise PageBroken(f"{doing}: the site sent the browser to {at.netloc[:100]}. Check SITE_URL.")


def is_under(path: str, parents: tuple[str, ...]) -> bool:
    """Whether a path is one of these or below one; /loginfan is a person."""
    return any(path == parent or path.startswith(f"{parent}/") for parent in parents)
