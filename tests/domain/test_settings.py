"""Settings by value: what is read, what is refused and in which words, and what is never shown."""

import base64
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settings import (
    APPROVAL,
    AUTO,
    DEFAULT,
    DOTENV,
    ENVIRONMENT,
    LIVE,
    SHADOW,
    BadSettings,
    Problem,
    Secret,
    Settings,
    listing,
    parse,
    table,
)

ABROAD = "https://site.example"

JOBS = ("plan", "posting")


def of(**environment: str) -> Settings:
    return parse(environment, {}, JOBS)


def problems(environment: Mapping[str, str]) -> dict[str, Problem]:
    with pytest.raises(BadSettings) as caught:
        parse(environment, {}, JOBS)
    return {problem.name: problem for problem in caught.value.problems}


def session(**cookies: str) -> str:
    state = {"cookies": [{"name": name, "value": value} for name, value in cookies.items()], "origins": []}
    return base64.b64encode(json.dumps(state).encode()).decode()


def test_with_nothing_set_it_runs_live_on_the_sandbox() -> None:
    settings = of()
    assert (settings.on_sandbox, settings.mode, settings.replies, settings.may_send) == (True, LIVE, AUTO, True)
    assert settings.database_url is None
    assert settings.host == "127.0.0.1"
    assert set(settings.origins.values()) == {DEFAULT}


def test_the_environment_goes_before_dotenv_which_goes_before_the_default() -> None:
    settings = parse({"PORT": "9000"}, {"PORT": "9001", "ACCOUNT": "@wren"})
    assert (settings.port, settings.account) == (9000, "wren")
    assert settings.origins["PORT"] == ENVIRONMENT
    assert settings.origins["ACCOUNT"] == DOTENV
    assert settings.origins["HOST"] == DEFAULT


def test_an_empty_value_counts_as_none() -> None:
    assert parse({"PORT": ""}, {"PORT": "9001", "HOST": " "}).port == 9001


def test_off_the_sandbox_nothing_is_sent_by_default() -> None:
    settings = of(SITE_URL=ABROAD)
    assert (settings.mode, settings.replies, settings.may_send) == (SHADOW, APPROVAL, False)


def test_sending_off_the_sandbox_needs_live_and_the_permission() -> None:
    assert problems({"SITE_URL": ABROAD, "MODE": "live"})["MODE"].fix.startswith("Set SITE_AUTOMATION_PERMITTED=yes")
    assert not of(SITE_URL=ABROAD, SITE_AUTOMATION_PERMITTED="yes").may_send
    assert of(SITE_URL=ABROAD, SITE_AUTOMATION_PERMITTED="yes", MODE="live").may_send
    assert not of(SITE_URL=ABROAD, SITE_AUTOMATION_PERMITTED="yes", MODE="live", POSTING_DISABLED="yes").may_send


@pytest.mark.parametrize("site", ["http://127.0.0.1:8090", "http://localhost", "http://[::1]:3", "http://127.9.9.9/"])
def test_a_site_on_loopback_is_a_sandbox(site: str) -> None:
    assert of(SITE_URL=site, SPEED="60", REPLIES="auto").may_send


@pytest.mark.parametrize(
    "site",
    ["https://x.com", "http://127.0.0.1.evil.example", "http://localhost.evil", "http://10.0.0.1", "http://0/"],
)
def test_a_site_elsewhere_is_none(site: str) -> None:
    assert set(problems({"SITE_URL": site, "SPEED": "60", "REPLIES": "auto", "MODE": "live"})) == {
        "SPEED",
        "REPLIES",
        "MODE",
    }


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        {"PORT": "eighty", "SPEED": "0", "THREADS": "maybe", "MODE": "dry", "JOBS_NAP_INTERVAL_MIN": "3"}
    )
    assert set(found) == {"PORT", "SPEED", "THREADS", "MODE", "JOBS_NAP_INTERVAL_MIN"}
    assert str(found["PORT"]) == ("PORT=eighty: it is not a whole number. Give a whole number from 0 to 65535.")


def test_intervals_of_jobs_are_minutes_by_name() -> None:
    assert of(JOBS_PLAN_INTERVAL_MIN="7.5").job_intervals == {"plan": 7.5}
    assert problems({"JOBS_NAP_INTERVAL_MIN": "3"})["JOBS_NAP_INTERVAL_MIN"].fix == "The jobs are: plan, posting."
    assert "JOBS_plan_INTERVAL_MIN" in problems({"JOBS_plan_INTERVAL_MIN": "3"})


@pytest.mark.parametrize(
    "wrong", ["JOBS_POSTNG_INTERVAL_MIN", "JOBS_POSTINGS_INTERVAL_MIN", "JOBS_posting_INTERVAL_MIN"]
)
def test_a_job_that_is_not_there_is_told_with_the_one_that_was_meant(wrong: str) -> None:
    fix = problems({wrong: "3"})[wrong].fix
    assert fix == "Did you mean JOBS_POSTING_INTERVAL_MIN? The jobs are: plan, posting."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:hunter2@h/db"),
        ("DATABASE_URL", "postgresql://u:hunter2@h:port/db"),
        ("DATABASE_URL", "hunter2"),
        ("REDIS_URL", "http://:hunter2@h"),
        ("SITE_URL", "https://user:hunter2@h"),
        ("SITE_URL", "https://"),
        ("TWITTER_SESSION_B64", "hunter2"),
        ("TWITTER_SESSION_B64", base64.b64encode(b'{"cookies": [{"name": "hunter2"}]}').decode()),
        ("TWITTER_SESSION_B64", base64.b64encode(b"[]").decode()),
        ("TWITTER_SESSION_B64", session(lang="hunter2")),
    ],
)
def test_a_wrong_value_is_named_and_a_secret_is_not_shown(name: str, value: str) -> None:
    found = problems({name: value})
    assert set(found) == {name}
    if name != "SITE_URL":
        assert "hunter2" not in str(found[name])


def test_secrets_show_themselves_only_when_asked() -> None:
    settings = of(
        DATABASE_URL="postgresql://roost:hunter2@db/roost?password=hunter2",
        REDIS_URL="redis://:hunter2@cache",
        OPENAI_API_KEY="sk-hunter2",
        TWITTER_SESSION_B64=session(auth_token="hunter2", ct0="hunter2"),
    )
    shown = repr(settings) + str(settings) + repr(listing(settings))
    assert "hunter2" not in shown
    assert session(auth_token="hunter2", ct0="hunter2") not in shown
    assert "postgresql://roost:***@db/roost?***" in shown
    assert settings.database_url == Secret("postgresql://roost:hunter2@db/roost?password=hunter2")
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.reveal() == "sk-hunter2"


def test_what_must_be_blacked_out_of_logs_is_known() -> None:
    settings = of(
        DATABASE_URL="postgresql://roost:p%40ssw0rdlong@db/roost",
        REDIS_URL="redis://:short@cache",
        TWITTER_SESSION_B64=session(auth_token="token-value", ct0="ct0-value"),
    )
    found = settings.secret_values()
    assert {"p%40ssw0rdlong", "p@ssw0rdlong", ":short@", "token-value", "ct0-value"} <= set(found)
    assert "short" not in found
    assert list(found) == sorted(found, key=len, reverse=True) or len(set(map(len, found))) < len(found)


def test_a_session_may_be_wrapped_over_lines() -> None:
    state = session(auth_token="a", ct0="b")
    assert of(TWITTER_SESSION_B64=f"{state[:20]}\n{state[20:]}\n").twitter_session_b64 == Secret(state)


def test_the_listing_has_every_setting_with_its_value_and_origin() -> None:
    rows = {row.name: row for row in listing(of(PORT="9000", JOBS_PLAN_INTERVAL_MIN="5"))}
    assert set(rows) == {row.name for row in table()} | {"JOBS_PLAN_INTERVAL_MIN"}
    assert (rows["PORT"].value, rows["PORT"].default, rows["PORT"].origin) == ("9000", "8080", ENVIRONMENT)
    assert all(row.about and row.type and row.default for row in rows.values())


@given(st.dictionaries(st.sampled_from([row.name for row in table()]), st.text(max_size=40)))
def test_any_text_is_read_or_refused_by_name(environment: dict[str, str]) -> None:
    try:
        settings = parse(environment, {})
        named: set[str] = set()
    except BadSettings as bad:
        named = {problem.name for problem in bad.problems}
        settings = parse({}, {})
    assert named <= set(environment) | {"SPEED", "MODE", "REPLIES"}
    assert settings.may_send <= (settings.on_sandbox or settings.site_automation_permitted)


@given(
    st.fixed_dictionaries(
        {"SITE_URL": st.sampled_from(["", ABROAD, "http://127.0.0.1:1"])},
        optional={
            "MODE": st.sampled_from(["live", "shadow"]),
            "SITE_AUTOMATION_PERMITTED": st.sampled_from(["yes", "no"]),
            "POSTING_DISABLED": st.sampled_from(["yes", "no"]),
            "REPLIES": st.sampled_from(["off", "approval", "auto"]),
            "SPEED": st.sampled_from(["1", "60"]),
        },
    )
)
def test_nothing_is_sent_abroad_without_every_permission(environment: dict[str, str]) -> None:
    try:
        settings = parse(environment, {})
    except BadSettings:
        assert environment["SITE_URL"] == ABROAD
        return
    if environment["SITE_URL"] == ABROAD:
        assert settings.speed == 1
        assert settings.replies != AUTO
        if settings.may_send:
            assert environment["MODE"] == "live"
            assert environment["SITE_AUTOMATION_PERMITTED"] == "yes"
