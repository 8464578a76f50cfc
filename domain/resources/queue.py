"""The queue: who waits for a unit, and who is next.

Those who belong to a reserve go before those who borrow it (`domain.resources.reserves`); among these, priority and
then age. Aging is linear, so a place in the queue never has to be computed again: the rank is the arrival plus the
priority times a step, and the step is such that a priority 10 ranks before every priority 0 that comes
`starvation_seconds` after it.
"""

from bisect import insort
from collections.abc import Iterator

from domain.resources.division import Claim, Division
from domain.resources.leases import Lease, Request
from domain.resources.reserves import LOWEST_PRIORITY


class Share:
    """What one job has of the units, and the most it may have."""

    __slots__ = ("cap", "in_use")

    def __init__(self, cap: float) -> None:
        self.cap = cap
        self.in_use = 0


class Place:
    """One request, until nothing is left of it: it waits, or has a unit, or its unit is not known to be closed.

    share: its job's. lease, warn_at: once it has a unit.
    """

    __slots__ = ("claim", "lease", "request", "share", "since", "waits", "warn_at")

    lease: Lease
    warn_at: float

    def __init__(self, request: Request, claim: Claim, share: Share, since: float) -> None:
        self.request = request
        self.claim = claim
        self.share = share
        self.since = since
        self.waits = False

    def may_be_served(self, now: float) -> bool:
        """Whether it still wants a unit, and its job may have one more."""
        return self.request.wait_until > now and self.share.in_use < self.share.cap

    def fits_before_next_use(self, division: Division, now: float) -> bool:
        """Whether a reserve that is not its own stands idle for as long as it would hold a unit."""
        return division.backfill(self.claim, now, self.request.hold_seconds) is not None


class Queue:
    """The places of those who wait. Iterates in the order of their rank."""

    __slots__ = ("_arrivals", "_line", "_step")

    def __init__(self, starvation_seconds: float) -> None:
        self._step = starvation_seconds / LOWEST_PRIORITY
        self._arrivals = 0
        self._line: list[tuple[float, int, Place]] = []

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[Place]:
        return (entry[2] for entry in self._line)

    def join(self, place: Place) -> None:
        """It waits, ranked by when it came and how urgent it is."""
        self._arrivals += 1
        entry = (place.since + place.request.priority * self._step, self._arrivals, place)
        if self._line and entry < self._line[-1]:
            insort(self._line, entry)
        else:
            self._line.append(entry)  # as nearly always
        place.waits = True

    def leave(self, place: Place) -> None:
        """It waits no more."""
        for number, entry in enumerate(self._line):
            if entry[2] is place:
                del self._line[number]
                break
        place.waits = False

    def pop(self, division: Division, now: float) -> Place | None:
        """Who is next, if anyone can be served: it waits no more."""
        room = division.room
        borrower = backfilled = None
        for number, (_, _, place) in enumerate(self._line):
            if place.claim.home & room:
                if place.may_be_served(now):
                    break
            elif borrower is None and place.claim.borrowed & room and place.may_be_served(now):
                borrower = number
            elif backfilled is None and place.may_be_served(now) and place.fits_before_next_use(division, now):
                backfilled = number
        else:
            found = backfilled if borrower is None else borrower
            if found is None:
                return None
            number = found
        place = self._line.pop(number)[2]
        place.waits = False
        return place
