"""How long backups are kept, and under which names."""

from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import DAY
from domain.housekeeping import BACKUPS_KEPT, ERASED_WITHIN, KEPT, backup_name, backup_time, outdated

NOW = 1_800_000_000.0
times = st.integers(min_value=1_700_000_000, max_value=1_800_000_000).map(float)


@given(times)
def test_the_name_of_a_backup_tells_when_it_was_made(at: float) -> None:
    assert backup_time(backup_name(at)) == at


@given(st.text(max_size=40))
def test_other_files_are_no_backups_and_are_left_alone(name: str) -> None:
    if backup_time(name) is None:
        assert outdated((name,), NOW) == ()


@given(st.sets(times, min_size=1))
def test_what_goes_is_older_than_seven_days_and_the_newest_stays(made: set[float]) -> None:
    names = [backup_name(at) for at in made]
    gone = outdated(names, NOW)
    assert backup_name(max(made)) not in gone
    for name in names:
        at = backup_time(name)
        assert at is not None
        assert (name in gone) == (NOW - at > BACKUPS_KEPT and at != max(made))


def test_a_removed_post_is_gone_within_a_day_and_a_week_of_backups_is_kept() -> None:
    assert ERASED_WITHIN <= DAY
    assert BACKUPS_KEPT == 7 * DAY
    assert all(seconds > BACKUPS_KEPT for seconds in KEPT.values())
