"""What the journal acknowledged is there after the writer was killed, at whatever instruction."""

import subprocess
import sys
from pathlib import Path

import pytest

from store.journal import Journal
from store.journal_file import Whole

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from itertools import count
from store.flags import Flag
from store.journal import Journal
from tests.store.test_journal import NOW, post

journal = Journal.open(Path(sys.argv[1]), now=NOW)
for number in count(1):
    journal.append([(f"entry {number}", Flag("MODE", "x" * 300, NOW, "ann"))])
    journal.keep([post(number)], at=NOW)
    journal.arm(post(number), by="one", at=NOW)
    print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledgements", [1, 60])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, acknowledgements: int) -> None:
    path = tmp_path / "journal.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(acknowledgements):
        assert writer.stdout.readline()
    writer.kill()
    rest = writer.stdout.read().split()
    writer.wait()
    acknowledged = acknowledgements + len(rest)

    journal = Journal.open(path, now=0.0)
    assert journal.found == Whole()
    waiting = [entry.id for entry in journal.waiting(limit=10_000)]
    expected = [each for n in range(1, acknowledged + 1) for each in (f"entry {n}", f"post/{n}/1/armed")]
    assert waiting[: len(expected)] == expected
    assert len(waiting) <= len(expected) + 2, "at most the one round that was under way"
    armed = [kept.post.id for kept in journal.claims() if kept.armed_at is not None]
    assert armed[:acknowledged] == list(range(1, acknowledged + 1))
    journal.close()
