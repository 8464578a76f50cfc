"""The language model: lends calls to one OpenAI client, within requests and tokens a minute and dollars a day.

Where no key is set there is no model, and that is no fault: whoever asks is refused at once, and content comes from
templates. Retries are ours (the client's own would sleep past a lease's end, and repeat what a quota refused).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from actors.core.future import AskError
from actors.core.lifecycle import SystemMessage
from actors.core.runtime import Runtime
from actors.core.system import System
from actors.protocol.model import Completion, ModelError
from actors.protocol.resources import LeaseError, LeaseRefused, ResourceState
from actors.resources.backend_slot import BackendSlot
from actors.resources.client import Leases
from actors.resources.lease import Backend, Lease
from actors.resources.resource_actor import ResourceActor
from domain.calendar import DAY
from domain.resources import breaker, leases
from domain.resources.quota import Exhausted, Limits, Quota
from domain.resources.reserves import Policy, Reserve
from domain.settings import Settings
from store import spend

if TYPE_CHECKING:
    import openai

log = logging.getLogger("roost.resources")

CALLS = 4  # at once
REQUESTS_PER_MINUTE = 60  # far below what any paid tier allows, and far above what the jobs need
TOKENS_PER_MINUTE = 60_000
CALL_SECONDS = 60.0
ANSWER_SECONDS = 5.0  # of the model's actor, for a reservation
ATTEMPTS = 3
RETRY_SECONDS = 1.0  # doubled each time, with full jitter
MOST_OUTPUT_TOKENS = 4000
CHARACTERS_PER_TOKEN = 3  # an estimate to reserve by, on the high side for English
# Dollars a million tokens for a model whose price is not known: high, so that the day's budget ends early, not late.
UNKNOWN_INPUT_PRICE, UNKNOWN_OUTPUT_PRICE = 10.0, 40.0


class ModelLease(Lease):
    """The right to one call at a time."""

    backend: "ModelBackend"

    def __init__(self, terms: leases.Lease, backend: "ModelBackend") -> None:
        super().__init__(terms, backend, backend.system.runtime)

    def complete(
        self, system: str, user: str, schema: Mapping[str, Any], most_tokens: int = MOST_OUTPUT_TOKENS
    ) -> Completion:
        """Ask once, and once more where that can help. schema: JSON Schema of the answer. most_tokens: of output.

        Raises: LeaseRefused when the minute or the day is used up; LeaseEnded; ModelError.
        """
        for attempt in range(1, ATTEMPTS + 1):
            self.check()
            try:
                return self.backend.ask(system, user, schema, most_tokens, min(self.left(), CALL_SECONDS))
            except ModelError as error:
                wait = RETRY_SECONDS * 2.0 ** (attempt - 1) * self.backend.chance.random()
                if not error.fault or attempt == ATTEMPTS or wait >= self.left():
                    raise
                log.info("model: asked again in %.1f s: %s", wait, error)
            self.runtime.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def open(self) -> "ModelLease":
        return self

    def give_back(self) -> bool:
        return True

    def is_fault(self, error: BaseException) -> bool:
        return isinstance(error, ModelError) and error.fault

    def close(self) -> None:
        """Nothing to close: a request under way ends by its own time-out."""


@dataclass(frozen=True, slots=True)
class ReserveCall:
    """May a call of about this size be made? tokens, dollars: at the worst. Answers: Reserved, Exhausted."""

    call: str
    tokens: int
    dollars: float


@dataclass(frozen=True, slots=True)
class SettleCall(SystemMessage):
    """What a call has really taken. One that never says so keeps what was reserved for it, which is too much."""

    call: str
    tokens: int
    dollars: float


@dataclass(frozen=True, slots=True)
class SpentBefore(SystemMessage):
    """What an earlier process spent of this calendar day (its number). Counts once, whoever says it first."""

    day: int
    dollars: float


class UsageLedger:
    """What this process has used of the model: one for all incarnations of its actor, in its thread."""

    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        self.quota = Quota(Limits(REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE, settings.daily_budget_usd))
        self.began = runtime.calendar()  # what was spent before is not in the quota until it is learnt
        self.complete = False

    def complete_with(self, day: int, dollars: float) -> None:
        """So much was spent of this day before."""
        if not self.complete:
            self.quota.spent_before(day, dollars)
        self.complete = True


class ModelBackend:
    """See `Backend`. One client; none where there is no key."""

    def __init__(self, system: System, settings: Settings, usage: UsageLedger) -> None:
        self.system = system
        self.settings = settings
        self.chance = system.runtime.random("model")
        self.leases: dict[int, ModelLease] = {}
        self._usage = usage
        self._client: openai.OpenAI | None = None

    def open(self) -> str:
        if self.settings.openai_api_key is not None:
            import openai  # 40 MiB that only those pay who have a model

            self._client = openai.OpenAI(
                api_key=self.settings.openai_api_key.reveal(),
                base_url=self.settings.openai_base_url,
                max_retries=0,
                timeout=CALL_SECONDS,
            )
        return self.check()

    def check(self) -> str:
        if self._client is None:
            return NO_MODEL
        self._learn_what_is_spent()
        return self.settings.openai_model

    def close(self) -> None:
        for lease in list(self.leases.values()):
            lease.end("model: its client is closed")
        self.leases.clear()
        if self._client is not None:
            self._client.close()

    def lend(self, terms: leases.Lease) -> Lease:
        lease = self.leases[terms.token] = ModelLease(terms, self)
        return lease

    def taken(self) -> int:
        return len(self.leases)

    def ask(self, system: str, user: str, schema: Mapping[str, Any], most_tokens: int, timeout: float) -> Completion:
        """One call. Raises LeaseRefused, ModelError."""
        call = self.system.runtime.new_id()
        # What it takes at the worst: so it is booked where nobody says what it took, as after a time-out.
        used = ((len(system) + len(user)) // CHARACTERS_PER_TOKEN, most_tokens)
        self._learn_what_is_spent()
        self._reserve(call, *used)
        tokens, usd = sum(used), self._price(*used)
        try:
            answer = self._post(system, user, schema, most_tokens, timeout)
            if answer.usage is not None:
                used = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
                tokens, usd = sum(used), self._price(*used)
        except ModelError as error:
            if error.free:
                tokens, usd = 0, 0.0
            raise
        finally:
            self.system.tell("model", SettleCall(call, tokens, usd))
        text = answer.choices[0].message.content if answer.choices else None
        if not text:
            raise ModelError("model: an empty answer, or it refused to write", fault=False)
        return Completion(text, call, self.settings.openai_model, used[0], used[1], usd)

    def configured(self) -> bool:
        """Whether there is a model at all."""
        return self._client is not None

    def _reserve(self, call: str, input_tokens: int, output_tokens: int) -> None:
        runtime = self.system.runtime
        wanted = ReserveCall(call, input_tokens + output_tokens, self._price(input_tokens, output_tokens))
        try:
            found = self.system.ask("model", wanted, ANSWER_SECONDS)
        except AskError as error:
            raise LeaseRefused(f"model: whether its budget allows it is not known ({error})", "no answer") from error
        if isinstance(found, Exhausted):
            when = "tomorrow" if found.retry_at is None else f"in {found.retry_at - runtime.now():.0f} s"
            raise LeaseRefused(f"model: its {found.what} are used up; there is more {when}", found.what)

    def _post(
        self, system: str, user: str, schema: Mapping[str, Any], most_tokens: int, timeout: float
    ) -> "openai.types.chat.ChatCompletion":
        import openai

        assert self._client is not None
        try:
            return self._client.chat.completions.create(
                model=self.settings.openai_model,
                messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
                },
                max_completion_tokens=most_tokens,
                timeout=timeout,
            )
        except openai.APITimeoutError as error:  # before its base class, the connection error
            raise ModelError(f"model: no answer in {timeout:.0f} s", fault=True, free=_unsent(error)) from None
        except openai.APIConnectionError as error:
            raise ModelError(
                f"model: no connection ({error.__cause__ or error})", fault=True, free=_unsent(error)
            ) from None
        except openai.RateLimitError as error:
            # A quota that is used up (insufficient_quota) does not come back by asking again; a rate does.
            raise ModelError(
                f"model: refused by the API ({error.code})", error.code != "insufficient_quota", free=True
            ) from None
        except openai.APIStatusError as error:
            raise ModelError(
                f"model: the API answers {error.status_code} ({error.code})", error.status_code >= 500, free=True
            ) from None

    def _price(self, input_tokens: int, output_tokens: int) -> float:
        import genai_prices

        usage = genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        try:
            return float(genai_prices.calc_price(usage, self.settings.openai_model).total_price)
        except LookupError:
            return (input_tokens * UNKNOWN_INPUT_PRICE + output_tokens * UNKNOWN_OUTPUT_PRICE) / 1e6

    def _learn_what_is_spent(self) -> None:
        """Before the first call: what an earlier process spent of this day. Without a database the call goes all the
        same, and it is tried again at the next. Blocks for a second at most where it has to wait."""
        if self._usage.complete:
            return
        now = self.system.runtime.calendar()
        leases = Leases(self.system, "model", job="model", priority=0)
        try:
            with leases.database(wait=1.0, hold=5.0) as connection:
                spent = spend.since(connection, now - now % DAY, before=self._usage.began)
        except Exception as error:  # noqa: BLE001 - whatever the database has, the call is not to fail for it
            log.log(
                logging.DEBUG if isinstance(error, LeaseError) else logging.WARNING,
                "model: what is spent today is not known yet: %s",
                error,
            )
            return
        self.system.tell("model", SpentBefore(int(now // DAY), spent))


def _unsent(error: Exception) -> bool:
    """Whether no connection was made, so that it cost nothing. The cause is of the HTTP client that openai brings
    with it, which is openai's to choose: so it is known by its name."""
    return type(error.__cause__).__name__ in ("ConnectTimeout", "ConnectError")


NO_MODEL = "no model: OPENAI_API_KEY is not set, content comes from templates"


class ModelActor(ResourceActor):
    """Lends calls. See `ResourceActor` for leases, breaker and healing."""

    check_is_probe = False  # asking the API for nothing but a sign of life would cost money

    def __init__(self, settings: Settings, caps: Mapping[str, int], slot: BackendSlot) -> None:
        policy = Policy(
            resource="model",
            unit="call",
            reserves=(Reserve("content", 1, lowest_priority=0), Reserve("open", CALLS - 1)),
            starvation_seconds=120.0,
            longest_hold=180.0,
            remedy="Content comes from templates meanwhile.",
        )
        super().__init__(policy, caps, breaker.Policy(slow_seconds=CALL_SECONDS), slot)
        self.settings = settings
        self.usage = slot.once(lambda: UsageLedger(self.system.runtime, settings))
        if settings.openai_api_key is None:
            self.broker.never = LeaseRefused(f"model: {NO_MODEL}", "not configured")

    def make_backend(self, build: int) -> Backend:
        return ModelBackend(self.system, self.settings, self.usage)

    def receive(self, message: Any) -> Any:
        match message:
            case ReserveCall(call, tokens, dollars):
                self.show_soon()
                return self.usage.quota.reserve(call, tokens, dollars, self.now(), self._day())
            case SettleCall(call, tokens, dollars):
                self.usage.quota.settle(call, tokens, dollars)
                self.show_soon()
            case SpentBefore(day, dollars):
                self.usage.complete_with(day, dollars)
                self.show_soon()
            case _:
                return super().receive(message)
        return None

    def snapshot(self) -> ResourceState:
        state, backend, quota = super().snapshot(), self.backend, self.usage.quota
        if not isinstance(backend, ModelBackend) or not backend.configured():
            return state
        spent = f"{quota.spent():.2f} of {self.settings.daily_budget_usd:.2f} dollars spent today"
        return replace(state, detail=f"{state.detail}, {spent}", budgets=quota.shares(self.now(), self._day()))

    def _day(self) -> int:
        return int(self.calendar() // DAY)
