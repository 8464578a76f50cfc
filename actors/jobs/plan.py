"""Keeps the queue at what the next hours can publish, and no more."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from actors.jobs.learn import newest
from actors.work.context import RunContext
from actors.work.outcome import Outcome
from actors.work.run import Job
from actors.work.writing import written
from domain.analysis import knobs
from domain.calendar import DAY, days, minutes
from domain.content import checks, planning, prompts, templates
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
    """One post to be written: which arm, and for when (calendar seconds)."""

    choice: Choice
    due_at: float


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
        now, account = ctx.calendar(), ctx.settings.account
        with ctx.database() as connection:
            waiting = posts.queued(connection, account)
            return Desk(
                queue=planning.Queue(tuple(post.due_at for post in waiting if post.kind != "reply")),
                history=History(posts=charged(connection, account, since=now - 2 * DAY)),
                dollars_left=ctx.settings.daily_budget_usd - spend.since(connection, now - now % DAY),
                model=newest(ctx, connection),
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
            wishes.append(Wish(choice, planning.time_for(choice.arm.hour, times)))
            due.append(wishes[-1].due_at)
        return wishes

    def _texts(self, ctx: RunContext, desk: Desk, wishes: list[Wish], by_model: bool) -> list[Text | None]:
        recent = checks.Recent(frozenset(map(text_hash, desk.recent)), desk.recent)
        drafts = self._drafts(ctx, desk, wishes) if by_model else {}
        texts: list[Text | None] = []
        for number, wish in enumerate(wishes):
            text = self._checked(ctx, drafts.get(number), "model", recent) or self._template(
                ctx, wish.choice.arm, recent
            )
            texts.append(text)
            if text is not None:
                recent = checks.Recent({*recent.hashes, text.hash}, (*recent.texts, text.body))
        return texts

    def _drafts(self, ctx: RunContext, desk: Desk, wishes: list[Wish]) -> dict[int, str]:
        """What the model wrote, by the number of the wish; nothing where there is no model or no usable answer."""
        requests = [
            prompts.Request(each.choice.arm.topic, each.choice.arm.format, each.choice.arm.tone) for each in wishes
        ]
        prompt = prompts.posts_prompt(requests, desk.insights, desk.recent[:SHOWN_TO_MODEL], nonce=ctx.new_id())
        answer = written(ctx, prompt, prompts.ANSWER_SCHEMA)
        if answer is None:
            return {}
        drafts = prompts.parsed(answer, requests)
        if isinstance(drafts, prompts.Unusable):
            ctx.log.warning("the model's answer is not usable, templates are taken: %s", drafts.reason)
            return {}
        return {requests.index(draft.request): draft.text for draft in drafts}

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

    def _template(self, ctx: RunContext, arm: Arm, recent: checks.Recent) -> Text | None:
        match templates.write(arm.topic, arm.format, arm.tone, recent.hashes, ctx.random):
            case templates.Written(body):
                return self._checked(ctx, body, "template", recent)
            case templates.NoneLeft(reason):
                ctx.log.warning("no template: %s", reason)
                return None

    def _queue(self, ctx: RunContext, desk: Desk, wishes: list[Wish], texts: list[Text | None]) -> int:
        queued = 0
        with ctx.database() as connection:
            for wish, text in zip(wishes, texts, strict=True):
                if text is None:
                    continue
                arm = wish.choice.arm
                expected = learning.predicted(desk.model, arm, weight(text.body))
                draft = posts.Draft(
                    kind="post",
                    body=text.body,
                    text_hash=text.hash,
                    source=text.source,
                    due_at=wish.due_at,
                    arm=asdict(arm),
                    propensity=wish.choice.propensity,
                    predicted=expected.reward if expected else wish.choice.expected,
                    model_version=desk.model.version,
                )
                answer = posts.queue(connection, ctx.settings.account, draft, who="plan", now=ctx.calendar())
                if isinstance(answer, posts.Queued):
                    queued += 1
                else:
                    ctx.log.info("not queued: %s", answer)
        return queued
