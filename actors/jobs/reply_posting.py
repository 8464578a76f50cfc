"""Answers strangers: picks the best opportunities, drafts, checks, queues, and publishes what may go out."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from actors.jobs.reply_learning import newest
from actors.jobs.shared import account_pages as acquaintance
from actors.jobs.shared.model_calls import written
from actors.publishing.publisher import BATCH_SECONDS, Publisher
from actors.publishing.publishing_breaker import PublishingBreaker
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import DAY, minutes
from domain.content import checks, prompts
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.publishing.caps import Policy
from domain.publishing.uniqueness import UNIQUE_FOR, text_hash
from domain.replies import learning, pace, styles
from domain.replies import opportunities as rules
from domain.replies.learning import Choice, Target, choose_style, size_of
from domain.replies.opportunities import Answered, Opportunity
from domain.replies.styles import STYLES
from domain.settings import APPROVAL, OFF
from store import accounts, opportunities, optouts, posts
from store.posts.values import Source

SPARE = 2  # chosen beyond what is needed, for authors whose page asks to be left alone
NEAR_TEXTS = 100  # of our newest texts, that a reply must be unlike
ASKED = prompts.Request("", "", "")  # what the one answer to a reply's prompt answers


@dataclass(frozen=True, slots=True)
class Desk:
    """What it starts from. count: replies to draft; known: accounts whose page was read, with their followers."""

    count: int
    pool: tuple[Opportunity, ...]
    answered: Answered
    opted_out: frozenset[str]
    known: dict[str, int]
    model: learning.Model
    recent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """Planned replies. stale: too late now; of the others, how many wait for a person, and how many may go."""

    stale: tuple[posts.Post, ...]
    asking: int
    ready: int

    @classmethod
    def of(cls, queued: Sequence[posts.Post], now: float) -> "Queue":
        """The queue at calendar time `now`."""
        fresh = [post for post in queued if not pace.is_stale(post.created_at, now)]
        asking = sum(post.approval == "waiting" for post in fresh)
        return cls(tuple(post for post in queued if post not in fresh), asking, len(fresh) - asking)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that passed the checks, and how it came to be."""

    to: Opportunity
    target: Target
    style: Choice
    body: str
    hash: str
    source: Source


class ReplyPosting(Job):
    """Drafts as many replies as the caps will let out, and sends those that may be sent, each exactly once."""

    spec = JobSpec(
        "reply_posting",
        every=minutes(15),
        priority=0,
        kind=Kind.CRITICAL,
        holds=Holds(browser=1, database=1, model=1),
        requires=("harvester~",),
        offset=minutes(9),
        deadline=420.0,
        attempts=1,  # what is tried again, and when, publishing decides for each reply
        category="posting",
        browser_seconds=BATCH_SECONDS,
        publishes="replies",
    )

    def __init__(self) -> None:
        self.breaker = PublishingBreaker()

    def run(self, ctx: RunContext) -> Outcome:
        publisher = Publisher(ctx, "replies", self.breaker)
        if ctx.settings.replies == OFF:
            return Outcome(note=f"REPLIES=off: nobody is answered; {publisher.settle().note}")
        desk = self._desk(ctx)
        chosen = self._choose(ctx, desk)
        replies = self._write(ctx, desk, chosen)
        queued = self._queue(ctx, desk, replies)
        sent = publisher.settle() if ctx.settings.posting_disabled else publisher.run()
        return Outcome(
            sent.done,
            sent.of,
            note=f"{queued} drafted; {sent.note}",
            detail={"drafted": queued, "chosen": len(chosen)},
        )

    def _desk(self, ctx: RunContext) -> Desk:
        account, now, policy = ctx.settings.account, ctx.calendar(), Policy()
        asks = ctx.settings.replies == APPROVAL
        with ctx.database() as connection:
            if asks:
                posts.demand_approval(connection, account, who=self.spec.name, now=now)
            queue = Queue.of(posts.replies_queued(connection, account), now)
            for post in queue.stale:
                posts.decide(connection, post.id, "reject", who=f"{self.spec.name}, too late", now=now)
            charged = posts.charged(connection, account, since=now - DAY, kind="reply")
            return Desk(
                count=pace.to_draft(charged, queue.ready, queue.asking, asks=asks, policy=policy, now=now),
                pool=opportunities.pool(connection, account),
                answered=opportunities.answered(connection, account, since=now - policy.between_replies_to_author),
                opted_out=optouts.every(connection),
                known=accounts.followers(connection, account),
                model=newest(ctx, connection),
                recent=posts.recent_texts(connection, account, since=now - UNIQUE_FOR),
            )

    def _choose(self, ctx: RunContext, desk: Desk) -> tuple[Opportunity, ...]:
        """The best opportunities. Nobody is answered whose page was not read before."""
        if not desk.count:
            return ()
        promises = learning.promises(desk.model, ctx.random)

        def promise(each: Opportunity) -> float:
            return promises[Target(each.topic, size_of(each.followers))]

        now = ctx.calendar()
        chosen = rules.best(desk.pool, desk.answered, desk.opted_out, now, desk.count + SPARE, promise)
        strangers = [each.author for each in chosen if each.author.casefold() not in desk.known]
        if not strangers:
            return chosen[: desk.count]
        with ctx.browser() as browser:
            met = acquaintance.meet(ctx, browser, strangers)
        acquaintance.keep(ctx, met)
        welcome = {each.handle for each in met if each.account is not None and not each.wants_no_replies}
        left = [each for each in chosen if each.author.casefold() in desk.known or each.author in welcome]
        return tuple(left[: desk.count])

    def _write(self, ctx: RunContext, desk: Desk, chosen: Sequence[Opportunity]) -> list[Reply]:
        recent = checks.Recent(frozenset(map(text_hash, desk.recent)), desk.recent[:NEAR_TEXTS])
        replies: list[Reply] = []
        for each in chosen:
            ctx.check_cancelled()
            reply = self._reply(ctx, desk, each, recent)
            if reply is not None:
                replies.append(reply)
                recent = checks.Recent({*recent.hashes, reply.hash}, (*recent.texts, reply.body))
        return replies

    def _reply(self, ctx: RunContext, desk: Desk, to: Opportunity, recent: checks.Recent) -> Reply | None:
        """One reply: the model's if it passes the checks, else a template's; None where nothing should be said."""
        style = choose_style(desk.model, ctx.random)
        target = Target(to.topic, size_of(to.followers))
        recent = checks.Recent(recent.hashes, (*recent.texts, to.text))  # nor an echo of what it answers
        prompt = prompts.reply_prompt(to.text, to.author, ctx.new_id(), STYLES[style.style].hint)
        answer = written(ctx, prompt, prompts.ANSWER_SCHEMA)
        if answer is not None and prompts.declined(answer):
            self._pass(ctx, to, "the model would say nothing to it")
            return None
        body = self._body(ctx, answer)
        if body is not None:
            match checks.check(body, recent, mentions=(to.author,)):
                case checks.Accepted(digest):
                    return Reply(to, target, style, body, digest, "model")
                case checks.Rejected(reasons):
                    ctx.log.warning("the model's reply is rejected: %s", "; ".join(fault.text for fault in reasons))
        match styles.write(to.topic, style.style, recent, ctx.random):
            case styles.Written(text, digest):
                return Reply(to, target, style, text, digest, "template")
            case styles.NoneLeft(reason):
                ctx.log.warning("no reply: %s", reason)
                return None

    def _body(self, ctx: RunContext, answer: str | None) -> str | None:
        if answer is None:
            return None
        drafts = prompts.parsed(answer, [ASKED])
        if isinstance(drafts, prompts.Unusable):
            ctx.log.warning("the model's answer is not usable, a template is taken: %s", drafts.reason)
            return None
        return drafts[0].text

    def _pass(self, ctx: RunContext, to: Opportunity, reason: str) -> None:
        with ctx.database() as connection:
            opportunities.close(connection, ctx.settings.account, [to.id], "passed", reason, now=ctx.calendar())

    def _queue(self, ctx: RunContext, desk: Desk, replies: Sequence[Reply]) -> int:
        if not replies:
            return 0
        queued, now = 0, ctx.calendar()
        with ctx.database() as connection:
            for reply in replies:
                draft = posts.Draft(
                    kind="reply",
                    body=reply.body,
                    text_hash=reply.hash,
                    source=reply.source,
                    due_at=math.floor(now),  # whole, so that no rounding in the database makes it due later
                    approval="waiting" if ctx.settings.replies == APPROVAL else "not_needed",
                    arm={**asdict(reply.target), "style": reply.style.style},
                    propensity=reply.style.propensity,
                    predicted=desk.model.expected(reply.target, reply.style.style),
                    model_version=desk.model.version,
                    parent_site_id=reply.to.id,
                    parent_author=reply.to.author,
                    conversation_id=reply.to.id,
                )
                answer = opportunities.answer(
                    connection, ctx.settings.account, reply.to.id, draft, who=self.spec.name, now=now
                )
                if isinstance(answer, posts.Queued):
                    queued += 1
                else:
                    ctx.log.info("not queued: %s", answer)
        return queued
