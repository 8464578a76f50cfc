"""Every setting of Roost: its name, type, default and meaning, and what makes a value wrong.

One table (the fields of `Settings`) is what is parsed, listed by `python main.py settings` and documented, so that
none of the three can lie. Pure: the caller brings the environment and what stood in `.env`.

The standard library alone, and not pydantic-settings: this is imported before `/health` answers, which it must within
250 ms of exec, and pydantic-settings takes 150 of them.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import Field, dataclass, field, fields
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from domain.publishing.edges import EDGES
from domain.setting_types import (
    HIDDEN,
    KEY,
    PATH,
    SWITCH,
    TEXT,
    InvalidSetting,
    SettingType,
    choice,
    handle,
    is_loopback,
    login_cookies,
    number,
    place,
    secret_url,
    session,
    whole,
)
from domain.setting_types import Secret as Secret

LIVE, SHADOW = "live", "shadow"
OFF, APPROVAL, AUTO = "off", "approval", "auto"
DEFAULT, ENVIRONMENT, DOTENV = "default", "environment", ".env"
_INTERVAL = re.compile(r"JOBS_(\w+)_INTERVAL_MIN")


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that is wrong. shown: the value as it may be seen, secrets masked."""

    name: str
    shown: str
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.name}={self.shown}: {self.why}. {self.fix}"


class BadSettings(Exception):
    """The settings cannot be used. `problems` has every one of them, not just the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def _of(kind: SettingType, default: Any, about: str, said: str | None = None) -> Mapping[str, Any]:
    """A row of the table. said: how to name the default, where it depends on other settings."""
    return {"kind": kind, "default": default, "about": about, "said": said}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. Attributes are the names in lower case; made by `parse`."""

    database_url: Secret | None = field(
        metadata=_of(
            secret_url("postgresql", "postgres", example="postgresql://roost:password@host:5432/roost"),
            None,
            "Postgres to use",
            said="an embedded one",
        )
    )
    redis_url: Secret | None = field(
        metadata=_of(
            secret_url("redis", "rediss", "unix", example="redis://:password@host:6379/0"),
            None,
            "Redis to use",
            said="an embedded one",
        )
    )
    openai_api_key: Secret | None = field(
        metadata=_of(KEY, None, "key of the language model's API", said="none: content comes from templates")
    )
    openai_base_url: str | None = field(
        metadata=_of(
            SettingType("URL (https://…)", place("https://api.openai.com/v1")),
            None,
            "where the model's API is",
            said="OpenAI's own",
        )
    )
    openai_model: str = field(metadata=_of(TEXT, "gpt-5-mini", "the model that writes"))
    site_url: str | None = field(
        metadata=_of(
            SettingType("URL (http://…)", place("https://site.example")),
            None,
            "the site to drive",
            said="the sandbox, on loopback",
        )
    )
    twitter_session_b64: Secret | None = field(
        metadata=_of(
            SettingType("base64 of JSON", session, secret=True),
            None,
            "Playwright storage state of the account's session on the site",
            said="the sandbox's own session",
        )
    )
    site_automation_permitted: bool = field(
        metadata=_of(SWITCH, False, "you have the site's permission to automate it; needed to send off the sandbox")
    )
    mode: str = field(
        metadata=_of(
            choice(LIVE, SHADOW),
            None,
            "live sends; shadow does everything but send",
            said="live on the sandbox, shadow elsewhere",
        )
    )
    posting_disabled: bool = field(metadata=_of(SWITCH, False, "publish nothing, whatever the mode"))
    replies: str = field(
        metadata=_of(
            choice(OFF, APPROVAL, AUTO),
            None,
            "who lets a reply go out: nobody, a person for each, or Roost itself (sandbox only)",
            said="auto on the sandbox, approval elsewhere",
        )
    )
    threads: bool = field(metadata=_of(SWITCH, True, "publish threads, not only single posts"))
    account: str = field(
        metadata=_of(SettingType("handle", handle), "roost", "the handle of the account on the site")
    )
    host: str = field(
        metadata=_of(TEXT, "127.0.0.1", "the address to listen on; 0.0.0.0 is every one, as a container needs")
    )
    port: int = field(metadata=_of(whole(0, 65535), 8080, "the port to listen on; 0 takes any free one"))
    roost_home: str = field(metadata=_of(PATH, "./var", "where everything that must survive is kept"))
    admin_socket: str | None = field(
        metadata=_of(PATH, None, "path of the admin socket, at most 107 bytes", said="ROOST_HOME/run/admin.sock")
    )
    daily_budget_usd: float = field(
        metadata=_of(number(0, 10_000), 5.0, "dollars a calendar day that the model may cost")
    )
    speed: float = field(
        metadata=_of(
            number(0, 10_000, above=True), 1.0, "how many times as fast as the world the calendar runs; sandbox only"
        )
    )
    browser_executable: str | None = field(
        metadata=_of(PATH, None, "the browser to start", said="the first Chromium that is found")
    )
    browser_contexts: int = field(metadata=_of(whole(1, 3), 3, "browser contexts lent at once, at most"))
    database_pool_size: int = field(metadata=_of(whole(3, 100), 10, "connections to Postgres, at most"))
    redis_pool_size: int = field(metadata=_of(whole(2, 100), 5, "connections to Redis, at most"))
    memory_limit_mb: int = field(metadata=_of(whole(256, 1_048_576), 512, "MiB that the whole process tree may take"))
    log_level: str = field(metadata=_of(choice("debug", "info", "warning", "error"), "info", "least level to log"))
    crash_at: str | None = field(
        metadata=_of(
            choice(*EDGES), None, "for tests, sandbox only: die by SIGKILL at this edge of publishing", said="never"
        )
    )
    job_intervals: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))  # job → minutes
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # NAME → where it comes from

    @property
    def on_sandbox(self) -> bool:
        """Whether the site is the sandbox: none named, or one on loopback."""
        return self.site_url is None or is_loopback(urlsplit(self.site_url).hostname or "")

    @property
    def may_send(self) -> bool:
        """Whether anything may be published at all."""
        return self.mode == LIVE and not self.posting_disabled and (self.on_sandbox or self.site_automation_permitted)

    def secret_values(self) -> tuple[str, ...]:
        """Every text that must never be seen, longest first.

        Secrets, passwords within URLs (alone only from 8 characters on: a shorter one is also an everyday word, and
        would black out the log), and the session's login cookies.
        """
        found: list[str] = []
        for secret in (self.database_url, self.redis_url):
            if secret is not None and str(secret) != secret.reveal():
                password = urlsplit(secret.reveal()).password or ""
                words = {password, unquote(password)} - {""}
                found += [secret.reveal(), *(f":{word}@" for word in words), *(w for w in words if len(w) >= 8)]
        if self.openai_api_key is not None:
            found.append(self.openai_api_key.reveal())
        if self.twitter_session_b64 is not None:
            state = self.twitter_session_b64.reveal()
            found += [state, *login_cookies(state)]
        return tuple(sorted(found, key=lambda text: (-len(text), text)))


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. default: as people read it."""

    name: str
    kind: SettingType
    default: str
    about: str
    field: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A setting with its current value (masked where it is secret) and where that came from."""

    name: str
    type: str
    default: str
    value: str
    origin: str
    about: str


def table() -> tuple[Setting, ...]:
    """Every setting but the jobs' intervals, in the order in which they are listed."""
    return tuple(_row(column) for column in fields(Settings) if column.metadata)


def _row(column: "Field[Any]") -> Setting:
    said = column.metadata["said"] or shown(column.metadata["default"])
    return Setting(column.name.upper(), column.metadata["kind"], said, column.metadata["about"], column.name)


def shown(value: Any) -> str:
    """A value as people write it in the environment; secrets masked."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
    return str(value)


def parse(environment: Mapping[str, str], dotenv: Mapping[str, str | None], jobs: Collection[str] = ()) -> Settings:
    """The settings in force: the environment goes before `.env`, which goes before the defaults.

    An empty value counts as none. jobs: the names for which `JOBS_<NAME>_INTERVAL_MIN` may be set.
    Raises: BadSettings, with every problem.
    """
    given = {name: (value, DOTENV) for name, value in dotenv.items() if value and value.strip()}
    given |= {name: (value, ENVIRONMENT) for name, value in environment.items() if value.strip()}
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for column in fields(Settings):
        if not column.metadata:
            continue
        kind, name = column.metadata["kind"], column.name.upper()
        text, origins[name] = given.get(name, (None, DEFAULT))
        values[column.name] = column.metadata["default"]
        if text is None:
            continue
        try:
            values[column.name] = kind.parse(text.strip())
        except InvalidSetting as wrong:
            problems.append(Problem(name, HIDDEN if kind.secret else _short(text), wrong.why, wrong.fix))
    intervals = _intervals(given, jobs, problems, origins)
    sandbox = values["site_url"] is None or is_loopback(urlsplit(values["site_url"]).hostname or "")
    values["mode"] = values["mode"] or (LIVE if sandbox else SHADOW)
    values["replies"] = values["replies"] or (AUTO if sandbox else APPROVAL)
    found = Settings(**values, job_intervals=MappingProxyType(intervals), origins=MappingProxyType(origins))
    problems += against_each_other(found)
    if problems:
        raise BadSettings(tuple(problems))
    return found


def _intervals(
    given: Mapping[str, tuple[str, str]], jobs: Collection[str], problems: list[Problem], origins: dict[str, str]
) -> dict[str, float]:
    kind = number(0, 7 * 24 * 60, above=True)
    intervals: dict[str, float] = {}
    for name in sorted(given):
        match = _INTERVAL.fullmatch(name)
        if match is None:
            continue
        text, origins[name] = given[name]
        job = match[1].lower()
        if job not in jobs or match[1] != match[1].upper():
            problems.append(Problem(name, _short(text), "there is no such job", _known(job, jobs)))
            continue
        try:
            intervals[job] = kind.parse(text.strip())
        except InvalidSetting as wrong:
            problems.append(Problem(name, _short(text), wrong.why, f"{wrong.fix} It is in minutes."))
    return intervals


def _known(job: str, jobs: Collection[str]) -> str:
    """What to say instead: the one that was probably meant, and all there are."""
    from difflib import get_close_matches  # for mistakes alone: a boot is measured in milliseconds

    meant = "".join(f"Did you mean {interval_setting(name)}? " for name in get_close_matches(job, jobs, n=1))
    return f"{meant}The jobs are: {', '.join(sorted(jobs))}."


def interval_setting(job: str) -> str:
    """What the setting of a job's interval is called."""
    return f"JOBS_{job.upper()}_INTERVAL_MIN"


def against_each_other(settings: Settings) -> list[Problem]:
    """What is wrong with settings that are each right on their own."""
    if settings.on_sandbox:
        return []
    problems = []
    if settings.speed != 1:
        problems.append(
            Problem(
                "SPEED",
                shown(settings.speed),
                f"a fast calendar is for the sandbox, and SITE_URL is {settings.site_url}",
                "Leave SPEED out, or leave SITE_URL out to run on the sandbox.",
            )
        )
    if settings.crash_at is not None:
        problems.append(
            Problem("CRASH_AT", settings.crash_at, "Roost dies on purpose only on the sandbox", "Leave it out.")
        )
    if settings.mode == LIVE and not settings.site_automation_permitted:
        problems.append(
            Problem(
                "MODE",
                LIVE,
                f"sending to {settings.site_url} would automate a site that may forbid it (X does)",
                "Set SITE_AUTOMATION_PERMITTED=yes if you have its permission, or MODE=shadow to send nothing.",
            )
        )
    if settings.replies == AUTO:
        problems.append(
            Problem(
                "REPLIES",
                AUTO,
                f"replies without a person's approval are for the sandbox, and SITE_URL is {settings.site_url}",
                "Set REPLIES=approval or REPLIES=off.",
            )
        )
    return problems


def _short(text: str) -> str:
    """A value cut so that a line of problems stays a line."""
    plain = "".join(char if char.isprintable() else "�" for char in text)
    return plain if len(plain) <= 60 else plain[:59] + "…"


def listing(settings: Settings) -> tuple[Listed, ...]:
    """Every setting with its value in force, for people; the jobs' intervals that are set come last."""
    rows = [
        Listed(
            name=row.name,
            type=row.kind.label,
            default=row.default,
            value=shown(getattr(settings, row.field)) or row.default,
            origin=settings.origins[row.name],
            about=row.about,
        )
        for row in table()
    ]
    rows += [
        Listed(
            name=interval_setting(job),
            type="number, minutes",
            default="the job's own",
            value=shown(minutes),
            origin=settings.origins[interval_setting(job)],
            about=f"calendar minutes between runs of {job}",
        )
        for job, minutes in sorted(settings.job_intervals.items())
    ]
    return tuple(rows)
