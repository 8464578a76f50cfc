"""Keeps the queue at what the next hours can publish, and no more."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from actors.jobs.learn import cached, newest
from actors.jobs.shared.model_calls import written
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis import knobs
from domain.calendar import DAY, days, minutes
from domain.content import checks, planning, prompts, templates, threads
from domain.content.topics import FORMATS, TONES, TOPICS
from domain.content.weight import weight
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.learning import model as learning
from domain.learning.arms import Arm, Choice, choose
from domain.publishing.caps import History, Policy
from domain.publishing.uniqueness import UNIQUE_FOR, text_hash
from store import posts, spend
from store.analysis import insights
from store.analysis import knobs as kept_knobs
from store.posts import charged
from store.posts.values import Source

SHOWN_TO_MODEL = 20  # texts the model must write nothing like
FRESH = days(3)  # an older insight is about other tastes


@dataclass(frozen=True, slots=True)
class Desk:
    """What planning looks at, read in one lease. recent: texts of the last 30 days.

    knobs: as the optimizer set them. insights: what the analyses found lately.
    """

    queue: planning.Queue
    history: History
    dollars_left: float
    model: learning.Model
    recent: tuple[str, ...]
    knobs: Mapping[str, float]
    insights: tuple[str, ...]

    @property
    def policy(self) -> Policy:
        """The caps, and the cadence where that is less."""
        caps = Policy()
        return replace(caps, posts_a_day=min(caps.posts_a_day, int(self.knobs[knobs.POSTS_A_DAY])))


@dataclass(frozen=True, slots=True)
class Wish:
    """One post to be written: which arm, and for when (calendar seconds). formats: of its parts; one if no thread."""

    choice: Choice
    due_at: float
    formats: tuple[str, ...]

    @property
    def requests(self) -> tuple[prompts.Request, ...]:
        """What is to be written for it, a text each."""
        arm = self.choice.arm
        return tuple(prompts.Request(arm.topic, each, arm.tone) for each in self.formats)


@dataclass(frozen=True, slots=True)
class Text:
    """A text that passed the checks."""

    body: str
    hash: str
    source: Source


class Plan(Job):
    """Decides how many posts and which arms, has them written, checks them and queues them."""

    spec = JobSpec(
        "plan",
        every=minutes(30),
        priority=0,
        kind=Kind.CRITICAL,
        holds=Holds(database=1, redis=1, model=1),
        needs=("database",),
        offset=minutes(2),
        deadline=180.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        desk = self._desk(ctx)
        plan = planning.how_many(desk.queue, desk.history, desk.policy, ctx.calendar(), desk.dollars_left)
        if isinstance(plan, planning.Nothing):
            return Outcome(note=plan.why)
        wishes = self._wishes(ctx, desk, plan.count)
        texts = self._texts(ctx, desk, wishes, plan.by_model)
        queued = self._queue(ctx, desk, wishes, texts)
        return Outcome(done=queued, of=plan.count)

    def _desk(self, ctx: RunContext) -> Desk:
        now, account, model = ctx.calendar(), ctx.settings.account, cached(ctx)
        with ctx.database() as connection:
            waiting = posts.queued(connection, account)
            return Desk(
                # A thread counts once, and what is left of one that has begun not at all.
                queue=planning.Queue(
                    tuple(post.due_at for post in waiting if post.kind != "reply" and not post.thread_position)
                ),
                history=History(posts=charged(connection, account, since=now - 2 * DAY)),
                dollars_left=ctx.settings.daily_budget_usd - spend.since(connection, now - now % DAY),
                model=model or newest(ctx, connection),
                recent=posts.recent_texts(connection, account, since=now - UNIQUE_FOR),
                knobs=knobs.in_force(kept_knobs.values(connection, account)),
                insights=tuple(each.text for each in insights.newest(connection, account, since=now - FRESH)),
            )

    def _wishes(self, ctx: RunContext, desk: Desk, count: int) -> list[Wish]:
        chance = np.random.default_rng(ctx.random.getrandbits(64))
        due = list(desk.queue.due)
        wishes: list[Wish] = []
        for _ in range(count):
            times = planning.open_times(planning.Queue(tuple(due)), desk.history, desk.policy, ctx.calendar())
            if not times:
                break
            open_hours = sorted(planning.hours_of(times))
            arms = [
                Arm(topic, form, tone, hour)
                for topic in TOPICS
                for form in FORMATS
                for tone in TONES
                for hour in open_hours
            ]
            choice = choose(
                desk.model.arms,
                arms,
                chance,
                ctx.calendar(),
                floor=desk.knobs[knobs.FLOOR],
                hour_weights=knobs.hour_weights(desk.knobs),
            )
            parts = threads.formats(choice.arm.format, ctx.settings.threads, ctx.random)
            wishes.append(Wish(choice, planning.time_for(choice.arm.hour, times), parts))
            due.append(wishes[-1].due_at)
        return wishes

    def _texts(self, ctx: RunContext, desk: Desk, wishes: list[Wish], by_model: bool) -> list[tuple[Text, ...]]:
        """The texts of each wish, those of a thread in order; fewer where not every part could be had."""
        recent = checks.Recent(frozenset(map(text_hash, desk.recent)), desk.recent)
        drafts = self._drafts(ctx, desk, wishes) if by_model else {}
        texts: list[tuple[Text, ...]] = []
        for wish in wishes:
            parts: list[Text] = []
            for request in wish.requests:
                written_by_model = self._checked(ctx, drafts.get(request), "model", recent)
                text = written_by_model or self._template(ctx, request, recent)
                if text is None:
                    break  # nothing could answer a part that is not there
                parts.append(text)
                recent = checks.Recent({*recent.hashes, text.hash}, (*recent.texts, text.body))
            texts.append(tuple(parts))
        return texts

    def _drafts(self, ctx: RunContext, desk: Desk, wishes: list[Wish]) -> dict[prompts.Request, str]:
        """What the model wrote, by request; nothing where there is no model or no usable answer.

        Of two equal requests the second text fails the checks as a duplicate, and a template is taken.
        """
        requests = [request for wish in wishes for request in wish.requests]
        prompt = prompts.posts_prompt(requests, desk.insights, desk.recent[:SHOWN_TO_MODEL], nonce=ctx.new_id())
        answer = written(ctx, prompt, prompts.ANSWER_SCHEMA)
        if answer is None:
            return {}
        drafts = prompts.parsed(answer, requests)
        if isinstance(drafts, prompts.Unusable):
            ctx.log.warning("the model's answer is not usable, templates are taken: %s", drafts.reason)
            return {}
        return {draft.request: draft.text for draft in drafts}

    def _checked(self, ctx: RunContext, body: str | None, source: Source, recent: checks.Recent) -> Text | None:
        if body is None:
            return None
        match checks.check(body, recent):
            case checks.Accepted(digest):
                return Text(body, digest, source)
            case checks.Rejected(reasons):
                ctx.log.warning(
                    "a text by the %s is rejected: %s", source, "; ".join(fault.text for fault in reasons)
                )
                return None

    def _template(self, ctx: RunContext, asked: prompts.Request, recent: checks.Recent) -> Text | None:
        match templates.write(asked.topic, asked.format, asked.tone, recent.hashes, ctx.random):
            case templates.Written(body):
                return self._checked(ctx, body, "template", recent)
            case templates.NoneLeft(reason):
                ctx.log.warning("no template: %s", reason)
                return None

    def _queue(self, ctx: RunContext, desk: Desk, wishes: list[Wish], texts: list[tuple[Text, ...]]) -> int:
        queued, account = 0, ctx.settings.account
        with ctx.database() as connection:
            for wish, parts in zip(wishes, texts, strict=True):
                drafts = tuple(self._draft(desk, wish, text, thread=len(parts) > 1) for text in parts)
                answer: posts.Queued | posts.Duplicate | posts.OptedOut
                match drafts:
                    case ():
                        continue
                    case (draft,):
                        answer = posts.queue(connection, account, draft, who="plan", now=ctx.calendar())
                    case _:
                        answer = posts.queue_thread(connection, account, drafts, who="plan", now=ctx.calendar())
                if isinstance(answer, posts.Queued):
                    queued += 1
                else:
                    ctx.log.info("not queued: %s", answer)
        return queued

    def _draft(self, desk: Desk, wish: Wish, text: Text, *, thread: bool) -> posts.Draft:
        arm = wish.choice.arm
        expected = learning.predicted(desk.model, arm, weight(text.body))
        return posts.Draft(
            kind="thread_part" if thread else "post",
            body=text.body,
            text_hash=text.hash,
            source=text.source,
            due_at=wish.due_at,
            arm=asdict(arm),
            propensity=wish.choice.propensity,
            predicted=expected.reward if expected else wish.choice.expected,
            model_version=desk.model.version,
        )
