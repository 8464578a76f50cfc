"""What `make lint` runs beside ruff, mypy and import-linter: see `constructors`."""

import ast
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.lint.constructors import METHODS, OWNERS, PROJECT, ROOTS, made, makers

SECOND = {
    "from psycopg_pool import ConnectionPool\npool = ConnectionPool('')": "psycopg_pool.ConnectionPool",
    "import psycopg_pool\npool = psycopg_pool.AsyncConnectionPool('')": "psycopg_pool.AsyncConnectionPool",
    "from psycopg_pool.pool import ConnectionPool as P\npool = P('')": "psycopg_pool.ConnectionPool",
    "from functools import partial\nimport psycopg_pool as p\nm = partial(p.NullConnectionPool, '')": (
        "psycopg_pool.NullConnectionPool"
    ),
    "import psycopg\nconnection = psycopg.connect('')": "psycopg.connect",
    "from psycopg import AsyncConnection\nconnection = AsyncConnection.connect('')": "psycopg.connect",
    "import redis\ncache = redis.Redis()": "redis.Redis",
    "from redis.asyncio import Redis\ncache = Redis()": "redis.Redis",
    "import redis\ncache = redis.from_url('')": "redis.from_url",
    "from redis import BlockingConnectionPool as B\npool = B.from_url('')": "redis.BlockingConnectionPool",
    "from redis.client import ConnectionPool\npool = ConnectionPool.from_url('')": "redis.ConnectionPool",
    "def later():\n    import openai\n    return openai.OpenAI()": "openai.OpenAI",
    "from openai import AsyncOpenAI as Model\nmodel = Model()": "openai.AsyncOpenAI",
    "from playwright.async_api import async_playwright\np = async_playwright()": "playwright.async_playwright",
    "from playwright.sync_api import sync_playwright\np = sync_playwright()": "playwright.sync_playwright",
    **{
        f"def more(page):\n    return page.context.browser.browser_type.{name}()": f".{name}"
        for name in sorted(METHODS)
    },
}


def test_there_is_one_pool_one_browser_one_client_and_each_where_it_is_said() -> None:
    assert made() == OWNERS, "see tests/lint/constructors.py; work with a lease (`ctx.database()` …) instead"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's sources, to plant something in."""
    place = tmp_path_factory.mktemp("copy")
    for root in (*ROOTS, "tests/lint"):
        source = PROJECT / root
        if source.is_dir():
            shutil.copytree(source, place / root, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / root)
    return place


@pytest.mark.parametrize("source", SECOND, ids=list(SECOND.values()))
@pytest.mark.parametrize("where", ["", "actors/resources/database.py"], ids=["a new file", "beside the one"])
def test_a_second_one_is_seen_however_it_is_made(where: str, source: str) -> None:
    before = (PROJECT / where).read_text() if where else ""
    more = Counter(makers(ast.parse(f"{before}\n{source}\n"))) - Counter(makers(ast.parse(before)))
    assert SECOND[source] in more


@pytest.mark.parametrize(
    "source",
    [
        "from psycopg_pool import ConnectionPool as P\ndef use(pool: P[int]) -> P[int]: return pool",
        "import redis\nclass Holder:\n    client: redis.Redis | None = None",
        "import socket\nsocket.socket().connect('')",
        "import psycopg\ntry: pass\nexcept psycopg.Error: pass",
    ],
)
def test_what_makes_none_is_free(source: str) -> None:
    assert list(makers(ast.parse(source))) == []


def test_make_lint_refuses_a_second_pool_inside_the_store(copy: Path) -> None:
    """The very command that `make lint` runs."""
    (line,) = (line for line in (PROJECT / "Makefile").read_text().splitlines() if line.endswith("tests/lint"))
    (copy / "store" / "second.py").write_text("from psycopg_pool import ConnectionPool\npool = ConnectionPool('')\n")
    try:
        words = [*line.split()[1:], "-k", "one_pool"]
        done = subprocess.run([sys.executable, *words], cwd=copy, capture_output=True, text=True, check=False)
    finally:
        (copy / "store" / "second.py").unlink()
    assert done.returncode == 1
    assert "store/second.py" in done.stdout
