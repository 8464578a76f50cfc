"""When a plan is a thread, and what its parts are: several posts, each a reply to the one before.

A thread counts as one post against the caps and as one for learning, which judges it by its first part; so that part
is a post of the arm that was chosen, and what follows says more of the same topic in another form. A question or a
single fact is whole in one post.
"""

import random

SHARE = 1 / 6  # of the plans whose format can go on
FOLLOWED_BY = {"tip": ("fact", "question"), "list": ("fact", "question"), "story": ("tip", "question")}


def formats(format: str, allowed: bool, chance: random.Random) -> tuple[str, ...]:
    """The formats of the parts of one plan, in order; a single one for a post by itself."""
    followed_by = FOLLOWED_BY.get(format, ())
    if not allowed or not followed_by or chance.random() >= SHARE:
        return (format,)
    return (format, *followed_by)
