"""How long what Roost has written down is kept, and what is left of a post that was removed from the site.

Ages are of the calendar. A removed post's text and figures go as soon as the removal is noticed, within 24 hours at
the latest: who takes a post back means all of it. The row stays, without its text, for what is not content: its id on
the site (so that it is not taken for a stranger's), the hash of its text (so that it is not published again), the
caps it used, and the trail of who did what when. Backups made before hold it until they go, 7 days later.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from domain.calendar import DAY

BACKUPS_KEPT = 7 * DAY
ERASED_WITHIN = DAY
ERASED = "[removed]"  # the text of a post whose text is gone

# Rows by table. Metrics are learned from long before their end; a run older than a month explains nothing any more;
# the ids of replayed journal entries are needed as long as a journal could still hold one of them; of the models only
# the newest is used, the others tell how learning went; an opportunity is stale within days, and its row is kept so
# long only to show where replies went.
KEPT: Mapping[str, float] = MappingProxyType(
    {
        "job_runs": 30 * DAY,
        "health_records": 30 * DAY,
        "applied_journal_entries": 30 * DAY,
        "models": 30 * DAY,
        "opportunities": 30 * DAY,
        "metric_snapshots": 90 * DAY,
    }
)

_PREFIX, _SUFFIX = "roost-", ".sql.gz"
_STAMP = "%Y%m%dT%H%M%SZ"


def backup_name(at: float) -> str:
    """The file name of a backup. at: calendar Unix seconds.

    >>> backup_name(1_800_000_000.0)
    'roost-20270115T080000Z.sql.gz'
    """
    return f"{_PREFIX}{datetime.fromtimestamp(at, UTC).strftime(_STAMP)}{_SUFFIX}"


def backup_time(name: str) -> float | None:
    """When the backup of this name was made (calendar Unix seconds); None for a file that is none."""
    if not (name.startswith(_PREFIX) and name.endswith(_SUFFIX)):
        return None
    try:
        made = datetime.strptime(name[len(_PREFIX) : -len(_SUFFIX)], _STAMP)
    except ValueError:
        return None
    return made.replace(tzinfo=UTC).timestamp()


def outdated(names: Iterable[str], now: float) -> tuple[str, ...]:
    """The backups to be deleted: those older than 7 days, but never the newest one, and no other files."""
    made = sorted((at, name) for name in names if (at := backup_time(name)) is not None)
    return tuple(name for at, name in made[:-1] if now - at > BACKUPS_KEPT)
