"""What Roost left behind, judged from outside: the site's own posts against the rows, and how the jobs did."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from actors.core.board import Board
from actors.protocol.resources import ResourceState
from domain.calendar import DAY, HOUR, MINUTE
from domain.publishing.caps import Policy
from domain.publishing.uniqueness import normalized
from social.sandbox.storage import OwnPost
from tests.simulated.verdict_manners import Terms, manners

POOLS = ("database", "redis", "browser")
STALLED = 40 * MINUTE  # calendar
WAITING = "(p.state = 'planned' and p.approval in ('not_needed', 'approved'))"
# The courtesy that lets a reply wait for days: its author, or its conversation, was answered before.
ANSWERED = """exists (select 1 from cap_charges c where c.kind = 'reply' and c.post_id <> p.id
                       and (c.author = p.parent_author or c.conversation_id = p.conversation_id))"""
BY_DEFAULT = Terms()


@dataclass
class Findings:
    """The site's own posts against the rows. Each list has one line a case.

    denied: failed for good, and on the site. manners: what should not have been sent, or not then.
    """

    posts: int = 0
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    stalled: list[str] = field(default_factory=list)
    manners: list[str] = field(default_factory=list)
    needs_human: int = 0
    states: Counter[str] = field(default_factory=Counter)

    def bad(self) -> list[str]:
        """What must not be."""
        named = (
            ("doubled", self.doubled),
            ("lost", self.lost),
            ("unresolved", self.unresolved),
            ("denied", self.denied),
            ("stalled", self.stalled),
            ("manners", self.manners),
        )
        return [f"{name}: {line}" for name, lines in named for line in lines]


def findings(dsn: str, on_site: Sequence[OwnPost], now: float, terms: Terms = BY_DEFAULT) -> Findings:
    """What became of every post. on_site: the own posts as the site has them. now: calendar seconds."""
    found = Findings(len(on_site))
    by_id = {post.id: post for post in on_site}
    by_text: dict[str, list[str]] = {}
    confirmed: set[int] = set()
    parts: dict[tuple[object, object], object] = {}
    query = (
        "select id, kind, state, body, site_id, needs_human, evidence::text, thread_id, thread_position, "
        "extract(epoch from claim_ends_at)::float8, removed_at is not null from posts order by id"
    )
    replies = set()
    for number, kind, state, body, site_id, why, evidence, thread, position, claim_ends, removed in rows(dsn, query):
        text = normalized(str(body))
        found.states[str(state)] += 1
        by_text.setdefault(text, []).append(str(state))
        if kind == "reply":
            replies.add(text)
        if state in ("confirmed", "reconciled"):
            assert isinstance(site_id, int)
            confirmed.add(site_id)
            parts[thread, position] = site_id
            post = by_id.get(site_id)
            if post is None or normalized(post.text) != text:
                found.lost.append(f"post {number} is {state} as {site_id}, and the site does not have it")
            elif position and post.in_reply_to != parts.get((thread, int(str(position)) - 1)):
                found.lost.append(f"post {number}, part {position} of thread {thread}, answers {post.in_reply_to}")
            if removed:
                found.lost.append(f"post {number} counts as removed, and the site has it")
        if state == "needs_human":
            found.needs_human += 1
            if not why or not evidence:
                found.unresolved.append(f"post {number} waits for a person without reason or evidence ({why})")
        if state == "unknown":
            found.unresolved.append(f"post {number} is unknown still")
        if state in ("claimed", "armed") and isinstance(claim_ends, float) and claim_ends + 30 * MINUTE < now:
            found.lost.append(f"post {number} is {state}, and its claim is over for long")
    # The same words may answer two people, and stand once and no more as a post.
    texts = ((normalized(post.text), post.in_reply_to) for post in on_site)
    times = Counter(text if text not in replies else (text, parent) for text, parent in texts)
    found.doubled = [f"{count} times {text!r}" for text, count in times.items() if count > 1]
    for post in on_site:
        states = by_text.get(normalized(post.text), [])
        if post.id not in confirmed and not {"unknown", "needs_human"} & set(states):
            found.lost.append(f"site post {post.id} has no row that knows it (rows with its text: {states})")
    found.denied = list(_denied(dsn, [post for post in on_site if post.id not in confirmed]))
    found.stalled = [*_none_goes_out(dsn, on_site, now, terms.policy), *_passed_over(dsn, now)]
    found.manners = manners(dsn, on_site, terms)
    return found


def _denied(dsn: str, unaccounted: Sequence[OwnPost]) -> Iterator[str]:
    """Failed for good, says the row, and the site has it."""
    query = """
        select id, body, kind, parent_site_id, extract(epoch from created_at)::float8 from posts
         where state = 'failed_definite' order by id
    """
    for number, body, kind, parent, created in rows(dsn, query):
        for post in unaccounted:
            same = normalized(post.text) == normalized(str(body)) and (kind != "reply" or post.in_reply_to == parent)
            if same and isinstance(created, float) and post.at >= created:
                yield f"post {number} is failed_definite, and the site has it as {post.id}"


def _none_goes_out(dsn: str, on_site: Sequence[OwnPost], now: float, policy: Policy) -> Iterator[str]:
    """Posts and threads are due, or replies, and for long nothing of the kind went out, though nothing forbids it."""
    ours = {None, *(post.id for post in on_site)}
    sent: dict[str, list[float]] = {"posts": [], "replies": []}
    for post in on_site:
        sent["posts" if post.in_reply_to in ours else "replies"].append(post.at)
    for what, kinds, charge, forbidden, caps in (
        ("posts", "'post', 'thread_part'", "post", "false", (policy.posts_an_hour, policy.posts_a_day)),
        ("replies", "'reply'", "reply", ANSWERED, (policy.replies_an_hour, policy.replies_a_day)),
    ):
        # By Roost's own count, where what may have been sent counts as sent: the caps hold the rest back then.
        charged = [
            float(str(at))
            for (at,) in rows(dsn, f"select extract(epoch from at)::float8 from cap_charges where kind = '{charge}'")
        ]
        full = any(
            sum(at > now - STALLED - window for at in charged) >= cap
            for window, cap in zip((HOUR, DAY), caps, strict=True)
        )
        overdue = rows(
            dsn,
            f"select id from posts p where {WAITING} and kind in ({kinds}) and not {forbidden} "
            f"and due_at < to_timestamp({now - STALLED}) order by id",
        )
        if overdue and not full and all(at < now - STALLED for at in sent[what]):
            yield f"{len(overdue)} {what} are due, and none was published for {STALLED / MINUTE:g} minutes"


def _passed_over(dsn: str, now: float) -> Iterator[str]:
    """A post or thread that waits while others, due after it, are claimed: no claim will ever take it."""
    query = f"""
        with unit as (
            select coalesce(thread_id, id) as id, min(due_at) filter (where state = 'planned') as due_at,
                   greatest(max(changed_at), min(due_at) filter (where state = 'planned')) as since,
                   max(due_at) filter (where state <> 'planned') as taken_due_at,
                   bool_or({WAITING}) as waits,
                   bool_or(state in ('claimed', 'armed', 'unknown', 'needs_human')) as held
              from posts p where kind <> 'reply' group by 1)
        select id from unit
         where waits and not held and since < to_timestamp({now - STALLED})
           and exists (select 1 from unit other join post_events e on e.post_id = other.id and e.event = 'claimed'
                        where not other.waits and other.taken_due_at > unit.due_at and e.at > unit.since)
         order by id
    """
    for (number,) in rows(dsn, query):
        yield f"post {number} is due for more than {STALLED / MINUTE:g} minutes, and those due after it are taken"


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    """What the database answers, from outside."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


@dataclass(frozen=True, slots=True)
class Pressure:
    """How hard a pool was pressed. busy: the share of its units' time that was lent, of leases that are over. waited:
    seconds, of all who waited. refused: requests that got none."""

    busy: float
    waited: float
    refused: int


def pressure(board: Board, seconds: float) -> dict[str, Pressure]:
    """By pool, over so many real seconds."""
    found = {}
    for name in POOLS:
        state = board.get(name)
        assert isinstance(state, ResourceState)
        busy = sum(use.held for use in state.jobs) / (state.limit * seconds)
        found[name] = Pressure(busy, sum(use.waited for use in state.jobs), state.refused)
    return found


@dataclass(frozen=True, slots=True)
class Scores:
    """How the jobs did, each a share of 1. posting: of posts tried; scraping, jobs: of runs that ended."""

    posting: float
    scraping: float
    jobs: float


def scores(dsn: str, scraping: Collection[str]) -> Scores:
    """From the rows. scraping: the names of the jobs that scrape."""
    posts = {row[0]: row[1] for row in rows(dsn, "select state, count(*)::int from posts group by state")}
    published = _sum(posts, "confirmed", "reconciled")
    tried = published + _sum(posts, "failed_definite", "unknown", "needs_human")
    ended = rows(dsn, "select job, outcome, count(*)::int from job_runs group by job, outcome")
    counts: dict[tuple[bool, str], int] = {}
    for job, outcome, count in ended:
        of = (job in scraping, str(outcome))
        counts[of] = counts.get(of, 0) + int(str(count))
    good, bad = _sum(counts, (True, "succeeded")), _sum(counts, (True, "failed"))
    all_good = good + _sum(counts, (False, "succeeded"))
    all_bad = bad + _sum(counts, (False, "failed"))
    return Scores(_share(published, tried), _share(good, good + bad), _share(all_good, all_good + all_bad))


def _sum(counts: Mapping[Any, Any], *keys: object) -> int:
    return sum(int(counts.get(key, 0)) for key in keys)


def _share(part: int, of: int) -> float:
    return part / of if of else 1.0
