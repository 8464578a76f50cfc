"""The lane: one writer an account, however many Roosts share the database.

A lease in the row of the account, with a fencing token that grows at every change of holder and never shrinks. The
token decides, not the time: who acts on an old one is refused by the SQL that checks it. Lease times are real Unix
seconds of the asking machine (`real_now`); machines whose clocks differ take over that much too early or too late,
and the token keeps that harmless.
"""

from dataclasses import dataclass

from store.sql import Connection, changed, row

LEASE_SECONDS = 30.0  # real


@dataclass(frozen=True, slots=True)
class Lane:
    """The right to act for an account, as its holder shows it to the store."""

    account: str
    owner: str
    token: int


@dataclass(frozen=True, slots=True)
class Held:
    """The lane is ours. token: grows at each change of holder. until: real Unix seconds."""

    token: int
    until: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The lane is another's until that real time (Unix seconds)."""

    owner: str
    until: float


@dataclass(frozen=True, slots=True)
class Free:
    """Nobody holds the lane; the one asking does not either."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The site refused the account: no claims until a person clears it. at: calendar Unix seconds."""

    reason: str
    at: float


def acquire(
    conn: Connection, account: str, owner: str, *, real_now: float, lease_seconds: float = LEASE_SECONDS
) -> Held | Refused:
    """Take the lane if it is free, ended, or was ours in an earlier life.

    owner: the id of the instance, the same after its restart (its claims are its own still), so that a restarted
    Roost need not wait for its own lease. Each call that succeeds gives a new, higher token.
    """
    with conn.transaction():
        _ensure_account(conn, account)
        now = _lane(conn, account, lock=True)
        if now.owner is not None and now.owner != owner and now.until > real_now:
            return Refused(now.owner, now.until)
        token, until = now.token + 1, real_now + lease_seconds
        query = """
            update accounts
               set lane_owner = %(owner)s, lane_token = %(token)s, lane_until_real = to_timestamp(%(until)s)
             where account = %(account)s
        """
        changed(conn, query, {"account": account, "owner": owner, "token": token, "until": until})
        return Held(token, until)


def renew(
    conn: Connection, lane: Lane, *, real_now: float, lease_seconds: float = LEASE_SECONDS
) -> Held | Refused | Free:
    """Prolong the lease. A lease that ran out is still renewed while nobody else took the lane."""
    renewed = changed(
        conn,
        """
        update accounts set lane_until_real = greatest(lane_until_real, to_timestamp(%(until)s))
         where account = %(account)s and lane_owner = %(owner)s and lane_token = %(token)s
        """,
        {**_key(lane), "until": real_now + lease_seconds},
    )
    if renewed:
        return Held(lane.token, real_now + lease_seconds)
    return _seen(_lane(conn, lane.account))


def release(conn: Connection, lane: Lane) -> bool:
    """Give the lane up; False if it was no longer ours. The token stays where it was."""
    query = """
        update accounts set lane_owner = null, lane_until_real = null
         where account = %(account)s and lane_owner = %(owner)s and lane_token = %(token)s
    """
    return changed(conn, query, _key(lane)) == 1


def holder(conn: Connection, account: str) -> Free | Refused:
    """Who has the lane now, for showing."""
    return _seen(_lane(conn, account))


def stop(conn: Connection, account: str, reason: str, *, now: float) -> None:
    """Let nothing more be claimed for the account, unless a person has let it act again since `now` (calendar).

    The first reason stays until it is cleared.
    """
    with conn.transaction():
        _ensure_account(conn, account)
        changed(
            conn,
            """
            update accounts set stopped_reason = %(reason)s, stopped_at = to_timestamp(%(now)s)
             where account = %(account)s and stopped_reason is null
               and (cleared_at is null or cleared_at < to_timestamp(%(now)s))
            """,
            {"account": account, "reason": reason, "now": now},
        )


def clear_stop(conn: Connection, account: str, *, now: float) -> bool:
    """Let the account act again; False if it was not stopped. now: calendar Unix seconds."""
    query = """
        update accounts set stopped_reason = null, stopped_at = null, cleared_at = to_timestamp(%(now)s)
          from (select account, stopped_reason from accounts where account = %(account)s for update) before
         where accounts.account = before.account
        returning before.stopped_reason is not null as was_stopped
    """
    found = row(conn, query, {"account": account, "now": now})
    return found is not None and bool(found["was_stopped"])


def stopped(conn: Connection, account: str) -> Stopped | None:
    """Why nothing is claimed for the account, or None."""
    query = """
        select stopped_reason, extract(epoch from stopped_at)::float8 as stopped_at from accounts
         where account = %(account)s and stopped_reason is not null
    """
    found = row(conn, query, {"account": account})
    return Stopped(found["stopped_reason"], found["stopped_at"]) if found else None


def _ensure_account(conn: Connection, account: str) -> None:
    changed(conn, "insert into accounts (account) values (%(account)s) on conflict do nothing", {"account": account})


@dataclass(frozen=True, slots=True)
class _LaneRow:
    owner: str | None
    token: int
    until: float


def _lane(conn: Connection, account: str, *, lock: bool = False) -> _LaneRow:
    query = """
        select lane_owner, lane_token, coalesce(extract(epoch from lane_until_real), 0)::float8 as until_real
          from accounts where account = %(account)s
    """
    found = row(conn, query + " for update" if lock else query, {"account": account})
    if found is None:
        return _LaneRow(None, 0, 0.0)
    return _LaneRow(found["lane_owner"], found["lane_token"], found["until_real"])


def _seen(lane: _LaneRow) -> Free | Refused:
    return Free() if lane.owner is None else Refused(lane.owner, lane.until)


def _key(lane: Lane) -> dict[str, str | int]:
    return {"account": lane.account, "owner": lane.owner, "token": lane.token}
