"""Code that is not ours, called where nothing may fail: on the way of an actor's end.

Whoever announces an end meets what the actor brought with it: an exception whose `__str__` raises, a callback on a
future, a log handler that fails. Each of them could stop the announcement half-way, and then the child would count as
running for ever. So all of that is called through here.
"""

import logging
from collections.abc import Callable
from functools import partial

from actors.core.runtime import RuntimeEnds

log = logging.getLogger("roost.actors")

_name_of = type.__dict__["__name__"].__get__  # the name itself, whatever a metaclass makes of `__name__`


def type_name(thing: object) -> str:
    """The name of its class."""
    name: str = _name_of(type(thing))
    return name


def as_text(thing: object) -> str:
    """`str(thing)`, or what can be said of it where that fails.

    >>> as_text(ValueError("no"))
    'no'
    """
    return _told(str, thing)


def as_repr(thing: object) -> str:
    """`repr(thing)`, or what can be said of it where that fails."""
    return _told(repr, thing)


def report(to: logging.Logger, level: int, text: str, *words: object, error: BaseException | None = None) -> None:
    """Log it. A handler or an error that cannot be logged costs the log its details, and the caller nothing."""
    failure = guarded(partial(to.log, level, text, *words, exc_info=error, stacklevel=3))
    if failure is not None:  # said without anything that could fail again
        guarded(to.error, "a report could not be logged (%s): %s", type_name(failure), text)


def guarded(call: Callable[..., object], *arguments: object) -> BaseException | None:
    """Call it. Returns what it raised, if it did."""
    try:
        call(*arguments)
    except RuntimeEnds:
        raise
    except BaseException as error:  # noqa: BLE001 - the caller's to judge
        return error
    return None


def _told(how: Callable[[object], str], thing: object) -> str:
    try:
        return str.__str__(how(thing))  # a plain copy: a subclass of str could fail later
    except RuntimeEnds:
        raise
    except BaseException:  # noqa: BLE001 - said in what is returned
        return f"<{type_name(thing)} that cannot be put in words>"
