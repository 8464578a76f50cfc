"""Taking posts to publish: one transaction that checks everything and leaves a claim behind.

The row of the account is locked first, which makes claims of one account go one after the other; so what is checked
here (the lane's token, caps, opt-outs, approval) still holds when the claim commits. The caps are
`domain.publishing.caps`; what counts against them are the charges, one a claimed post, reply or whole thread.

A claim in the database says "nobody else until `ends_at`", and nothing about what its owner has done meanwhile:
cut off from the database, it publishes from its journal. So an ended claim of another instance becomes *unknown*,
never *planned* again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import LiteralString

from domain.calendar import DAY
from domain.publishing import caps
from domain.publishing.claims import BATCH, CLAIM_SECONDS, MARGIN, PostStream
from domain.publishing.states import Party, State
from store.lane import Lane, stopped
from store.posts import charges
from store.posts.charges import Charge
from store.posts.moves import locked, move
from store.posts.queue import ORPHANED, same_text
from store.posts.values import COLUMNS, Post, post
from store.sql import Connection, row, rows

LOOK_AHEAD = 50  # due units looked at in one claim; those behind them wait for the next


@dataclass(frozen=True, slots=True)
class Claimed:
    """The posts that are ours now, in the order of publishing (`publish_at`), and why others due are not."""

    posts: tuple[Post, ...]
    held_back: tuple[tuple[int, caps.Refused], ...] = ()


@dataclass(frozen=True, slots=True)
class LaneLost:
    """Nothing claimed: the token is not the lane's, or the lease has ended."""

    owner: str | None


@dataclass(frozen=True, slots=True)
class LaneStopped:
    """Nothing claimed: the site refused the account, and nobody has cleared it yet."""

    reason: str


def claim(
    conn: Connection,
    lane: Lane,
    *,
    now: float,
    real_now: float,
    policy: caps.Policy,
    switches: caps.Switches,
    watermark: int | None,
    what: PostStream = "posts",
    limit: int = BATCH,
    claim_seconds: float = CLAIM_SECONDS,
    margin: float = MARGIN,
    ahead: float = 0.0,
) -> Claimed | LaneLost | LaneStopped:
    """Claim what is due until `limit` units (posts, replies, whole threads) are ours and unpublished.

    Those claimed before count too. now: calendar Unix seconds. real_now: real Unix seconds, for the lane's lease.
    watermark: the newest own post id seen on the site, read just before. ahead: posts that are due so many seconds
    from now are taken too, to be published when they are due. A post of the batch for which it is too soon is claimed
    for the first time at which the caps allow it, where that lies within the claim and `margin` before its end. The
    rest of a thread that is out in part is the same unit still: the caps were charged for it.
    """
    with conn.transaction():
        lost = _lost(conn, lane, real_now)
        if lost is not None:
            return lost
        stop = stopped(conn, lane.account)
        if stop is not None:
            return LaneStopped(stop.reason)
        fail_opted_out(conn, lane.account, Party.LANE, who=lane.owner, now=now)
        _fail_orphans(conn, lane, now)
        units = tuple(_due(conn, lane.account, what, now + ahead))
        counted = list(_charges(conn, lane.account, units, policy, now))
        room = limit - _unpublished(conn, lane, what, now)
        taken: list[Post] = []
        held_back: list[tuple[int, caps.Refused]] = []
        for unit in units:
            if room <= 0:
                break
            if _fail_if_published_before(conn, lane, unit, now):
                continue
            wanted = _wanted(unit[0], counted, policy, now, now + claim_seconds - margin)
            match caps.check(wanted, charges.history(counted), switches, policy):
                case caps.Allowed():
                    if not isinstance(wanted, caps.Rest):
                        counted.append(charges.charge(conn, unit[0], wanted.at))
                    taken.extend(
                        _take(conn, lane, each, wanted.at, now + claim_seconds, watermark, now) for each in unit
                    )
                    room -= 1
                case caps.Refused() as refused:
                    held_back.append((unit[0].id, refused))
        return Claimed(tuple(taken), tuple(held_back))


def worth_claiming(
    conn: Connection,
    lane: Lane,
    *,
    now: float,
    policy: caps.Policy,
    switches: caps.Switches,
    what: PostStream = "posts",
    limit: int = BATCH,
    claim_seconds: float = CLAIM_SECONDS,
    margin: float = MARGIN,
    ahead: float = 0.0,
) -> bool:
    """Whether a claim would take anything now. Without its locks, so it only saves the way to the site's page."""
    if limit <= _unpublished(conn, lane, what, now):
        return False
    units = tuple(_due(conn, lane.account, what, now + ahead))
    counted = tuple(_charges(conn, lane.account, units, policy, now))
    for unit in units:
        wanted = _wanted(unit[0], counted, policy, now, now + claim_seconds - margin)
        if isinstance(caps.check(wanted, charges.history(counted), switches, policy), caps.Allowed):
            return True
    return False


def _wanted(
    first: Post, counted: Sequence[Charge], policy: caps.Policy, now: float, latest: float
) -> caps.Post | caps.Rest | caps.Reply:
    if first.kind == "reply":
        author = (first.parent_author or "").lower()  # as the site has it, handles that differ in case are the same
        return caps.Reply(
            at=now,
            approval=first.approval,
            opted_out=False,  # those were failed at the start of this transaction
            last_to_author=max((each.at for each in counted if (each.author or "").lower() == author), default=None),
            answered_in_thread=first.conversation_id is not None
            and any(each.conversation_id == first.conversation_id for each in counted),
        )
    if first.thread_position:
        return caps.Rest(now)
    if min(policy.posts_a_day, policy.posts_an_hour) < 1:
        return caps.Post(now)
    soonest = max(now, first.due_at)
    earliest = caps.earliest_post(charges.history(counted), policy, soonest)
    return caps.Post(earliest if earliest < latest else soonest, thread=first.thread_position is not None)


def own_claims(conn: Connection, lane: Lane) -> tuple[Post, ...]:
    """What this instance has claimed or armed and not finished, ended or not, in the order of publishing."""
    query = f"""
        select {COLUMNS} from posts
         where account = %(account)s and claim_owner = %(owner)s and state in ('claimed', 'armed')
         order by publish_at, thread_position nulls first, id
    """
    found = rows(conn, query, {"account": lane.account, "owner": lane.owner})
    return tuple(post(each) for each in found)


def sweep_ended(
    conn: Connection, lane: Lane, *, now: float, real_now: float, margin: float = MARGIN
) -> tuple[int, ...] | LaneLost:
    """Make *unknown* what other instances had claimed or armed until a time that is over; returns the post ids.

    Id recovery then looks whether they are out. What is left of a thread of which a part failed for good ends too.
    margin: calendar seconds beyond the end of a claim. Own claims are left alone: the journal knows more of them.
    """
    with conn.transaction():
        lost = _lost(conn, lane, real_now)
        if lost is not None:
            return lost
        _fail_orphans(conn, lane, now)
        where: LiteralString = """
            account = %(account)s and state in ('claimed', 'armed') and claim_owner <> %(owner)s
            and claim_ends_at < to_timestamp(%(ended)s)
        """
        params = {"account": lane.account, "owner": lane.owner, "ended": now - margin}
        swept = locked(conn, where, params)
        for each in swept:
            assert each.claim is not None
            detail = {"reason": "its claim ended", "owner": each.claim.owner, "token": each.claim.token}
            move(conn, each, State.UNKNOWN, Party.RECOVERY, who=lane.owner, at=now, detail=detail)
            charges.out_of_sight(conn, each.id, each.claim.until)
        return tuple(each.id for each in swept)


def _lost(conn: Connection, lane: Lane, real_now: float) -> LaneLost | None:
    query = """
        select lane_owner, lane_token, coalesce(lane_until_real > to_timestamp(%(real_now)s), false) as alive
          from accounts where account = %(account)s for update
    """
    found = row(conn, query, {"account": lane.account, "real_now": real_now})
    if found is None:
        return LaneLost(None)
    if (found["lane_owner"], found["lane_token"]) == (lane.owner, lane.token) and found["alive"]:
        return None
    return LaneLost(found["lane_owner"])


def fail_opted_out(conn: Connection, account: str, by: Party, *, who: str, now: float) -> tuple[int, ...]:
    """End the planned replies to whoever opted out, in the caller's transaction. Returns which they were."""
    where: LiteralString = """
        account = %(account)s and state = 'planned' and lower(parent_author) in (select author from opt_outs)
    """
    ended = locked(conn, where, {"account": account})
    for each in ended:
        _withdraw(conn, each, by, "the author opted out of replies", who, now)
    return tuple(each.id for each in ended)


def _fail_orphans(conn: Connection, lane: Lane, now: float) -> None:
    """End what is left of a thread of which a part failed for good: there is nothing that it could answer."""
    where: LiteralString = """
        account = %(account)s and state = 'planned' and thread_position > 0
        and exists (select 1 from posts before where before.thread_id = posts.thread_id
                       and before.thread_position < posts.thread_position and before.state = 'failed_definite')
    """
    for each in locked(conn, where, {"account": lane.account}):
        _withdraw(conn, each, Party.LANE, ORPHANED, lane.owner, now)


def _withdraw(conn: Connection, planned: Post, by: Party, reason: str, who: str, now: float) -> None:
    failure: LiteralString = "failure = %(reason)s"
    detail = {"reason": reason}
    move(conn, planned, State.FAILED_DEFINITE, by, who=who, at=now, detail=detail, sets=failure, params=detail)


def _due(conn: Connection, account: str, what: PostStream, until: float) -> Iterator[tuple[Post, ...]]:
    heads = rows(
        conn,
        """
        select id, thread_id from posts head
         where account = %(account)s and state = 'planned' and due_at <= to_timestamp(%(until)s)
           and approval in ('not_needed', 'approved') and (kind = 'reply') = %(replies)s
           and (thread_id is null or not exists (
                    select 1 from posts part
                     where part.thread_id = head.thread_id
                       and (part.thread_position < head.thread_position
                                and part.state not in ('confirmed', 'reconciled')
                            -- One behind it that is over, as a person ended it, makes the thread shorter.
                            or part.thread_position > head.thread_position
                                and part.state not in ('planned', 'failed_definite'))))
         order by due_at, id limit %(look_ahead)s
        """,
        {"account": account, "until": until, "replies": what == "replies", "look_ahead": LOOK_AHEAD},
    )
    for head in heads:
        query = f"""
            select {COLUMNS} from posts
             where state = 'planned' and (id = %(id)s or thread_id = %(thread_id)s)
             order by thread_position nulls first for update
        """
        yield tuple(post(each) for each in rows(conn, query, head))


def _charges(
    conn: Connection, account: str, units: Sequence[tuple[Post, ...]], policy: caps.Policy, now: float
) -> Iterator[Charge]:
    conversations = [unit[0].conversation_id for unit in units if unit[0].conversation_id is not None]
    since = now - max(DAY, policy.between_replies_to_author)
    return charges.since(conn, account, since, conversations)


def _unpublished(conn: Connection, lane: Lane, what: PostStream, now: float) -> int:
    query = """
        select count(distinct coalesce(thread_id, id)) as units from posts
         where account = %(account)s and claim_owner = %(owner)s and state = 'claimed'
           and claim_ends_at > to_timestamp(%(now)s) and (kind = 'reply') = %(replies)s
    """
    params = {"account": lane.account, "owner": lane.owner, "now": now, "replies": what == "replies"}
    found = row(conn, query, params)
    assert found is not None
    units: int = found["units"]
    return units


def _fail_if_published_before(conn: Connection, lane: Lane, unit: tuple[Post, ...], now: float) -> bool:
    for each in unit:
        twin = same_text(
            conn, lane.account, each.kind, each.text_hash, each.parent_site_id, now=now, other_than=each.id
        )
        if twin is not None:
            reason = f"the same text is post {twin.of} ({twin.state})"
            for part in unit:
                _withdraw(conn, part, Party.LANE, reason, lane.owner, now)
            return True
    return False


def _take(
    conn: Connection, lane: Lane, each: Post, publish_at: float, ends_at: float, watermark: int | None, now: float
) -> Post:
    sets: LiteralString = """
        claim_owner = %(owner)s, claim_token = %(token)s, publish_at = to_timestamp(%(publish_at)s),
        claim_ends_at = to_timestamp(%(ends_at)s), attempts = attempts + 1, watermark = %(watermark)s,
        armed_at = null, failure = null, needs_human = null
    """
    detail = {"token": lane.token, "publish_at": publish_at, "ends_at": ends_at}
    params = {**detail, "owner": lane.owner, "watermark": watermark}
    return move(
        conn, each, State.CLAIMED, Party.LANE, who=lane.owner, at=now, detail=detail, sets=sets, params=params
    )
