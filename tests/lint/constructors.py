"""One pool, one browser, one client in the whole project: who makes one, by the names of what makes them.

Who may import a client's package is import-linter's to check. But the store has psycopg for its queries, and social
has playwright for its pages, so an import says little: what counts is the call that makes a pool, browser or client.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ROOTS = ("main.py", "app", "supervisors", "actors", "social", "store", "domain")
MAKERS = {
    "psycopg_pool": {"ConnectionPool", "NullConnectionPool", "AsyncConnectionPool", "AsyncNullConnectionPool"},
    "psycopg": {"connect"},
    "redis": {
        "Redis",
        "StrictRedis",
        "RedisCluster",
        "Sentinel",
        "ConnectionPool",
        "BlockingConnectionPool",
        "from_url",
    },
    "openai": {"OpenAI", "AsyncOpenAI", "Client", "AsyncClient", "AzureOpenAI", "AsyncAzureOpenAI"},
    "playwright": {"async_playwright", "sync_playwright"},
}
METHODS = (
    "connect_over_cdp",
    "launch",
    "launch_persistent_context",
    "launch_server",
)  # of Playwright's browser types
OWNERS = {
    ("actors/resources/database.py", "psycopg_pool.ConnectionPool"): 1,
    ("actors/resources/database.py", "psycopg.connect"): 1,  # why the pool cannot: it does not say itself
    ("actors/resources/redis.py", "redis.BlockingConnectionPool"): 1,
    ("actors/resources/redis.py", "redis.Redis"): 2,  # faces of that pool: a lease's, and that of the health check
    ("actors/resources/model.py", "openai.OpenAI"): 1,
    ("actors/resources/chromium.py", "playwright.async_playwright"): 1,
    ("actors/resources/chromium.py", ".launch"): 2,  # with Chromium's own sandbox, and where it can't be had, without
    ("store/backup.py", "psycopg.connect"): 1,  # a restore, while Roost does not run
    ("store/migrate.py", "psycopg.connect"): 1,  # before there is a pool
}


def made(project: Path = PROJECT) -> Counter[tuple[str, str]]:
    """How often each file names each maker, annotations left out."""
    found: Counter[tuple[str, str]] = Counter()
    for root in ROOTS:
        place = project / root
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            name = str(path.relative_to(project))
            found.update((name, maker) for maker in makers(ast.parse(path.read_text(), name)))
    return found


def makers(tree: ast.Module) -> Iterator[str]:
    """The makers that a module names, each time it does; an import is no use yet."""
    known = dict(_imported(tree))
    annotations = {id(node) for root in _annotations(tree) for node in ast.walk(root)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            yield f".{node.attr}"
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in annotations:
            package, *path = _dotted(node, known)
            among = MAKERS.get(package, set())
            if path and path[-1] in among and among.isdisjoint(path[:-1]):  # `Pool.from_url` names a pool once
                yield f"{package}.{path[-1]}"


def _imported(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """What each imported name stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name.split(".")
                yield (alias.asname, whole) if alias.asname else (whole[0], whole[:1])
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                yield alias.asname or alias.name, [*node.module.split("."), alias.name]


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(annotation=found) | ast.arg(annotation=ast.expr() as found):
                yield found
            case ast.FunctionDef(returns=ast.expr() as found) | ast.AsyncFunctionDef(returns=ast.expr() as found):
                yield found


def _dotted(node: ast.expr, known: dict[str, list[str]]) -> list[str]:
    """The whole name of what an expression names, the package first; [""] where it names nothing imported."""
    match node:
        case ast.Name(id=name):
            return known.get(name, [""])
        case ast.Attribute(value=value, attr=attr):
            above = _dotted(value, known)
            return [*above, attr] if above != [""] else above
    return [""]
