from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from store.errors import MigrationError, redacted, without_secrets
from store.migrate import LOCK_KEY, MIGRATIONS, migrate


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as conn:
        found = conn.execute("select table_name from information_schema.tables where table_schema = 'public'")
        return {name for (name,) in found}


def test_an_empty_database_gets_every_migration_once(empty_dsn: str) -> None:
    assert migrate(empty_dsn) == tuple(sorted(path.stem for path in MIGRATIONS.glob("*.sql")))
    assert migrate(empty_dsn) == ()
    assert {"posts", "models", "job_runs"} <= tables(empty_dsn)


def test_two_instances_that_boot_at_once_migrate_once(empty_dsn: str) -> None:
    with ThreadPoolExecutor(4) as several:
        applied = [name for names in several.map(migrate, [empty_dsn] * 4) for name in names]
    assert sorted(applied) == sorted(path.stem for path in MIGRATIONS.glob("*.sql"))


def test_a_key_value_connection_string_serves_too(empty_dsn: str) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(empty_dsn)
    assert migrate(f"host={parts['host']} user={parts['user']} dbname={parts['dbname']}")


def test_a_migration_that_fails_leaves_nothing_and_says_where(empty_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "0001.good.sql").write_text("create table good (id int);")
    (tmp_path / "0002.bad.sql").write_text(
        "-- depends: 0001.good\ncreate table half (id int); create tabel x (id int);"
    )
    with pytest.raises(MigrationError, match=r"0002\.bad.*Nothing of it was kept"):
        migrate(empty_dsn, source=tmp_path)
    assert "good" in tables(empty_dsn)
    assert "half" not in tables(empty_dsn)

    (tmp_path / "0002.bad.sql").write_text("-- depends: 0001.good\ncreate table half (id int);")
    assert migrate(empty_dsn, source=tmp_path) == ("0002.bad",)


def test_a_lock_held_too_long_is_reported_not_waited_for(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn) as other:
        other.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        with pytest.raises(MigrationError, match="another Roost has been migrating"):
            migrate(empty_dsn, lock_seconds=0.05)
    assert migrate(empty_dsn)


def test_the_lock_ends_with_its_holder(empty_dsn: str) -> None:
    other = psycopg.connect(empty_dsn)
    other.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
    with psycopg.connect(empty_dsn, autocommit=True) as killer:
        killer.execute("select pg_terminate_backend(%s)", (other.info.backend_pid,))
    assert migrate(empty_dsn)


def test_a_database_of_another_program_is_refused(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn) as conn:
        conn.execute("create table posts (title text)")
    with pytest.raises(MigrationError, match="tables of another program"):
        migrate(empty_dsn)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://roost:s3cr%40t-word@127.0.0.1:1/roost",
        "host=127.0.0.1 port=1 user=roost password='s3cr@t-word' dbname=roost",
        "postgresql://roost:s3cr@t-word@127.0.0.1:1/roost?nonsense=1",
        "postgresql://roost:s3cr@t-word@127.0.0.1:port/roost",
    ],
)
def test_an_unusable_connection_string_is_explained_without_its_password(dsn: str) -> None:
    with pytest.raises(MigrationError, match="DATABASE_URL") as caught:
        migrate(dsn)
    assert "t-word" not in str(caught.value)
    assert "s3cr" not in str(caught.value)


def test_an_unknown_database_is_named(empty_dsn: str) -> None:
    with pytest.raises(MigrationError, match="nowhere"):
        migrate(empty_dsn.replace("/test_", "/nowhere_"))


def test_secrets_are_starred_out_of_texts() -> None:
    dsn = "postgresql://roost:hunter2@db:5432/roost"
    assert "hunter2" not in without_secrets(f"could not connect with {dsn} or hunter2", dsn)
    assert redacted(dsn) == "roost@db:5432/roost"
