"""What the site's error codes mean for Roost: one table, asked by whoever hears one.

The codes are those that the site's own client knows. A code that is not here says nothing: after a post has left,
that is no proof that it was refused.
"""

from enum import Enum


class Consequence(Enum):
    """What Roost does about a code."""

    RETRY_LATER = "retry later"  # nothing was done, and the site asks for patience
    GIVE_UP = "give up this post"  # nothing was done, nor would be next time
    SIGN_IN = "stop the account until there is a good session"
    STOP = "stop the account until a person has seen to it"
    ASK = "ask a person"  # nothing was done, and only a person can judge why
    DUPLICATE = "look for the earlier one"
    UNCERTAIN = "the site's own trouble"  # it may have been done all the same


CODES: dict[int, tuple[Consequence, str]] = {
    29: (Consequence.UNCERTAIN, "timed out within the site"),
    32: (Consequence.SIGN_IN, "not authenticated"),
    38: (Consequence.GIVE_UP, "a parameter is missing, such as the text"),
    64: (Consequence.STOP, "the account is suspended"),
    88: (Consequence.RETRY_LATER, "rate limit exceeded"),
    89: (Consequence.SIGN_IN, "the token is invalid or expired"),
    130: (Consequence.UNCERTAIN, "over capacity"),
    131: (Consequence.UNCERTAIN, "internal error"),
    144: (Consequence.GIVE_UP, "there is no such post"),
    179: (Consequence.GIVE_UP, "the post may not be seen by this account"),
    185: (Consequence.RETRY_LATER, "the day's limit of posts is reached"),
    186: (Consequence.GIVE_UP, "the post is too long"),
    187: (Consequence.DUPLICATE, "the post is a duplicate"),
    188: (Consequence.ASK, "the post holds a link that is taken for harmful"),
    214: (Consequence.GIVE_UP, "bad request"),
    215: (Consequence.SIGN_IN, "bad authentication data"),
    226: (Consequence.STOP, "the request looks automated"),
    231: (Consequence.STOP, "the login must be verified"),
    261: (Consequence.STOP, "the application may not write"),
    324: (Consequence.GIVE_UP, "the media are invalid"),
    326: (Consequence.STOP, "the account is locked"),
    344: (Consequence.RETRY_LATER, "the limit of actions is reached"),
    353: (Consequence.SIGN_IN, "the csrf token does not match"),
    385: (Consequence.GIVE_UP, "the post that it answers is deleted or not visible"),
    386: (Consequence.GIVE_UP, "too many attachments"),
    416: (Consequence.STOP, "the application is suspended"),
    421: (Consequence.GIVE_UP, "the post is no longer available"),
    422: (Consequence.GIVE_UP, "the post was taken down for breaking the rules"),
    425: (Consequence.GIVE_UP, "this action is disabled for that account's posts"),
    429: (Consequence.RETRY_LATER, "too many requests"),
    433: (Consequence.GIVE_UP, "its author restricted who can reply"),
    439: (Consequence.ASK, "refused, for a reason that only the site's page explains"),
    445: (Consequence.STOP, "the account must pass a check at /account/access"),
}


def consequence_of(code: int) -> Consequence | None:
    """What the code asks for, or None where nobody knows it.

    >>> consequence_of(326), consequence_of(99_999)
    (<Consequence.STOP: 'stop the account until a person has seen to it'>, None)
    """
    found = CODES.get(code)
    return None if found is None else found[0]
