"""Why an account is stopped, in words from which it can be told what lets it go on.

A stop for the session ends when a new session has proved good; one because nobody knows who is signed in, as soon as
that is proved again; one by the site's decision (locked, suspended, looks automated) or for the interface's language
only when a person says so.
"""

SESSION = "session"
LOCKED = "locked"
UNPROVEN = "unproven"
LANGUAGE = "language"


def reason_for(said: str, kind: str) -> str:
    """The reason to be kept, from what the site said.

    >>> reason_for("the site asks for a login", SESSION)
    'session: the site asks for a login'
    """
    return f"{kind}: {said}"


def ends_by_proof(reason: str) -> bool:
    """Whether a look that proves who is signed in is all that it takes.

    >>> ends_by_proof("unproven: no page tells"), ends_by_proof("session: the site asks for a login")
    (True, False)
    """
    return reason.startswith(f"{UNPROVEN}: ")


def is_for_session(reason: str) -> bool:
    """Whether a new session is what it takes.

    >>> is_for_session("session: the site asks for a login"), is_for_session("locked: code 326")
    (True, False)
    """
    return reason.startswith((f"{SESSION}: ", f"{UNPROVEN}: "))
