"""Putting a backup back into the home's own database, which is started and ended for it."""

from pathlib import Path

import psutil
import pytest

from actors.core.runtime import ThreadedRuntime
from actors.servers.postgres_server import TUNING, CannotStart
from actors.servers.restore import restore
from domain.settings import parse
from store import backup
from store.backup import BadBackup
from store.sql import Connection
from tests.store.world import NOW, queued


def test_a_home_without_a_server_gets_one_for_the_restore(conn: Connection, tmp_path: Path) -> None:
    queued(conn, "a wren sings")
    made = backup.write(conn, tmp_path / "backups", at=NOW)
    settings, home = parse({}, {}), tmp_path / "home"
    assert restore(settings, home, made.path, ThreadedRuntime()).tables == made.tables
    with pytest.raises(BadBackup, match="is not empty"):
        restore(settings, home, made.path, ThreadedRuntime())
    assert not [process for process in psutil.process_iter(["cmdline"]) if str(home) in " ".join(_words(process))]


def test_a_damaged_backup_makes_no_server(tmp_path: Path) -> None:
    (tmp_path / "roost.sql.gz").write_bytes(b"nothing of it")
    with pytest.raises(BadBackup):
        restore(parse({}, {}), tmp_path / "home", tmp_path / "roost.sql.gz", ThreadedRuntime())
    assert not (tmp_path / "home").exists()


def test_a_server_that_does_not_start_is_the_reason_and_is_not_waited_for(
    conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup.write(conn, tmp_path / "backups", at=NOW)
    monkeypatch.setitem(TUNING, "shared_buffers", "32 parsecs")
    with pytest.raises(CannotStart, match='invalid value for parameter "shared_buffers"'):
        restore(parse({}, {}), tmp_path / "home", made.path, ThreadedRuntime())


def _words(process: psutil.Process) -> list[str]:
    return process.info["cmdline"] or []
