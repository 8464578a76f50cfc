from hypothesis import given
from hypothesis import strategies as st

from domain.publishing.removal import APART, is_doubtful

NOW = 1.8e9
ago = st.none() | st.floats(0, 1e7)


def since(seconds: float | None) -> float | None:
    return None if seconds is None else NOW - seconds


@given(ago)
def test_what_the_profile_shows_is_not_in_doubt(seconds: float | None) -> None:
    assert not is_doubtful(True, since(seconds), NOW)


@given(ago)
def test_what_the_profile_should_show_and_does_not_is_in_doubt(seconds: float | None) -> None:
    assert is_doubtful(False, since(seconds), NOW)


@given(ago)
def test_of_what_the_profile_says_nothing_two_looks_at_its_own_page_lie_apart(seconds: float | None) -> None:
    assert is_doubtful(None, since(seconds), NOW) == (seconds is not None and NOW - (NOW - seconds) >= APART)
