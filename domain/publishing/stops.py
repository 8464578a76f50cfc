"""Why an account is stopped, in words from which it can be told what lets it go on.

A stop for the session ends when a new session has proved good; one by the site's decision (locked, suspended, looks
automated) only when a person says so.
"""

SESSION = "session"
LOCKED = "locked"


def reason_for(said: str, *, session: bool) -> str:
    """The reason to be kept, from what the site said.

    >>> reason_for("the site asks for a login", session=True)
    'session: the site asks for a login'
    """
    return f"{SESSION if session else LOCKED}: {said}"


def is_for_session(reason: str) -> bool:
    """Whether a new session is what it takes.

    >>> is_for_session("session: the site asks for a login"), is_for_session("locked: code 326")
    (True, False)
    """
    return reason.startswith(f"{SESSION}: ")
