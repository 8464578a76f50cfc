"""Flags by value: what they make of the settings, and which are never obeyed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flags import (
    FLAGS,
    BreakerOrder,
    JobControl,
    as_value,
    breaker_flag,
    breaker_orders,
    controls,
    in_force,
    job_flag,
    order_as_value,
    parsed,
)
from domain.setting_types import InvalidSetting
from domain.settings import APPROVAL, AUTO, LIVE, OFF, SHADOW, Settings, against_each_other, parse

ABROAD = {"SITE_URL": "https://site.example"}
anything = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.lists(st.integers(), max_size=2)
flag_values = st.dictionaries(
    st.sampled_from(FLAGS), anything | st.sampled_from([LIVE, SHADOW, OFF, AUTO, APPROVAL]), max_size=4
)


def of(**environment: str) -> Settings:
    return parse(environment, {})


def test_without_flags_the_settings_are_the_environments() -> None:
    settings = of()
    assert in_force(settings, {}) == (settings, ())


def test_a_flag_replaces_the_setting_of_its_name() -> None:
    found, problems = in_force(of(), {"POSTING_DISABLED": True, "MODE": SHADOW, "REPLIES": OFF, "THREADS": False})
    assert (found.posting_disabled, found.mode, found.replies, found.threads) == (True, SHADOW, OFF, False)
    assert found.origins["MODE"] == "operator"
    assert problems == ()


def test_a_flag_of_none_gives_the_setting_back() -> None:
    assert in_force(of(MODE="shadow"), {"MODE": None})[0].mode == SHADOW


def test_live_off_the_sandbox_is_refused_without_permission() -> None:
    found, (problem,) = in_force(of(**ABROAD), {"MODE": LIVE})
    assert found.mode == SHADOW
    assert (problem.name, "SITE_AUTOMATION_PERMITTED=yes" in problem.fix) == ("MODE", True)


def test_live_off_the_sandbox_is_allowed_with_permission() -> None:
    assert in_force(of(**ABROAD, SITE_AUTOMATION_PERMITTED="yes"), {"MODE": LIVE})[0].mode == LIVE


def test_replies_by_roost_alone_are_refused_off_the_sandbox() -> None:
    found, (problem,) = in_force(of(**ABROAD), {"REPLIES": AUTO})
    assert (found.replies, problem.name) == (APPROVAL, "REPLIES")


@given(flag_values, st.booleans(), st.booleans())
def test_no_flags_whatever_make_settings_that_a_boot_would_refuse(
    flags: dict[str, Any], abroad: bool, permitted: bool
) -> None:
    settings = of(**(ABROAD if abroad else {}), SITE_AUTOMATION_PERMITTED="yes" if permitted else "no")
    found, _ = in_force(settings, flags)
    assert against_each_other(found) == []
    assert found.may_send <= (found.on_sandbox or permitted)


@pytest.mark.parametrize(("name", "text"), [("SPEED", "2"), ("MODE", "loud"), ("THREADS", "perhaps")])
def test_what_is_no_flag_or_no_value_of_it_is_refused_with_what_to_do(name: str, text: str) -> None:
    with pytest.raises(InvalidSetting) as wrong:
        parsed(name, text)
    assert wrong.value.fix


def test_values_are_written_as_in_the_environment() -> None:
    assert parsed("POSTING_DISABLED", "yes") is True
    assert parsed("MODE", "Shadow") == SHADOW
    assert parsed("MODE", "default") is None


@given(st.none() | st.floats(min_value=1, max_value=1e6), st.none() | st.text(max_size=9))
def test_what_is_set_for_a_job_is_read_as_it_was_kept(interval: float | None, by: str | None) -> None:
    control = JobControl(interval, by)
    assert controls({job_flag("plan"): as_value(control), "MODE": LIVE}) == {"plan": control}


@given(anything)
def test_what_is_no_control_of_a_job_is_left_out(value: Any) -> None:
    assert controls({job_flag("plan"): value}) == {}


@given(st.text(min_size=1), st.none() | st.builds(BreakerOrder, st.sampled_from(["open", "closed"]), st.text()))
def test_an_order_to_a_breaker_is_what_was_kept_of_it(name: str, order: BreakerOrder | None) -> None:
    assert breaker_orders({breaker_flag(name): order_as_value(order), "MODE": "live"}) == {name: order}


@given(st.dictionaries(st.sampled_from(["breaker:redis", "breaker:", "job:learn", "MODE"]), anything))
def test_what_is_no_order_is_left_out(flags: dict[str, Any]) -> None:
    assert set(breaker_orders(flags)) <= {"redis"}
    assert breaker_orders({"breaker:redis": {"state": "ajar", "reason": "?"}}) == {}
