"""The numbers of the status page, in one look."""

from dataclasses import dataclass

from domain.publishing.states import State
from store import accounts, metrics, opportunities
from store.lane import Free, Refused, Stopped, holder, stopped
from store.sql import Connection, row, rows


@dataclass(frozen=True, slots=True)
class Status:
    """posts: how many in each state. published: those on the site, however we know. model_version: 0 for none yet.

    opportunities: posts that may be answered, by state. accounts: found on our topics. reply_model_version: as above.
    """

    posts: dict[State, int]
    published: int
    waiting_for_approval: int
    snapshots: int
    model_version: int
    reply_model_version: int
    opportunities: dict[str, int]
    accounts: int
    lane: Free | Refused
    stopped: Stopped | None


def status(conn: Connection, account: str) -> Status:
    """What there is of the account now."""
    query = "select state, count(*) as n from posts where account = %(account)s group by state order by state"
    found = {State(each["state"]): each["n"] for each in rows(conn, query, {"account": account})}
    posts = {state: found.get(state, 0) for state in State}
    query = """
        select (select count(*) from posts where account = %(account)s and state = 'planned'
                   and approval = 'waiting') as waiting,
               (select coalesce(max(version), 0) from models
                   where account = %(account)s and kind = 'posts') as version,
               (select coalesce(max(version), 0) from models
                   where account = %(account)s and kind = 'replies') as reply_version
    """
    other = row(conn, query, {"account": account})
    assert other is not None
    return Status(
        posts=posts,
        published=posts[State.CONFIRMED] + posts[State.RECONCILED],
        waiting_for_approval=other["waiting"],
        snapshots=metrics.count(conn),
        model_version=other["version"],
        reply_model_version=other["reply_version"],
        opportunities=opportunities.counts(conn, account),
        accounts=accounts.count(conn, account),
        lane=holder(conn, account),
        stopped=stopped(conn, account),
    )
