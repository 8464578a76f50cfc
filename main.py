"""The front door: read the settings, open the doors, start the tree, and wait for the end.

    python main.py                       run
    python main.py settings [--json]     every setting: type, default, value, where it came from
    python main.py check                 can each component be reached with these settings
    python main.py restore FILE          put a backup back into an empty database, while Roost does not run
    python main.py ctl COMMAND [--json]  tell a running Roost something; `ctl help` lists it

Nothing heavy is imported here: `/health` answers within 250 ms of exec.
"""

import faulthandler
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from actors.jobs import names
from domain.settings import BadSettings, Settings, listing, parse

if TYPE_CHECKING:
    from actors.core.base import Actor
    from actors.core.system import System

STOP_SECONDS = 9.0  # a container is given 10
BAD_INPUT = 2  # exit code
FAILED = 1
BROKEN_PIPE = 128 + signal.SIGPIPE  # as of a program that the signal ends


def main(words: list[str]) -> int:
    """Do what the command line says. Returns the exit code."""
    if not words:
        return _with_settings(run)
    from app.command_line import UsageError, parsed  # not for a run, whose boot is measured in milliseconds

    try:
        said = parsed(words)
    except UsageError as wrong:
        return _refused(str(wrong))
    match said.command:
        case "settings":
            return _with_settings(lambda settings: _settings(settings, said.json))
        case "check":
            return _with_settings(_check)
        case "restore":
            return _with_settings(lambda settings: _restore(settings, Path(said.file)))
        case "ctl":
            return _with_settings(lambda settings: _ctl(settings, said.words, said.json))
    return _show(said.text)


def _with_settings(work: Callable[[Settings], int]) -> int:
    try:
        settings = parse(os.environ, _dotenv(), names())
    except BadSettings as bad:
        return _refused("\n".join(str(problem) for problem in bad.problems))
    return work(settings)


def _show(text: str, code: int = 0) -> int:
    """Print an answer. Returns the exit code, another one where the answer could not be written."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        return BROKEN_PIPE  # `| head -1` has read enough
    except OSError as error:
        return _refused(f"the answer cannot be written to stdout ({error.strerror}).", FAILED)
    return code


def _refused(why: str, code: int = BAD_INPUT) -> int:
    _tell("".join(f"roost: {line}\n" for line in why.splitlines()))
    return code


def _tell(text: str) -> None:
    """To the person who started it, on stderr; where nobody reads that, nobody is told."""
    with suppress(OSError):
        print(text, end="", file=sys.stderr, flush=True)


def _dotenv() -> Mapping[str, str | None]:
    """What stands in `.env` beside this file's working directory; nothing where there is none."""
    if not os.path.exists(".env"):
        return {}
    from dotenv import dotenv_values  # 60 ms, for those who have such a file

    return dotenv_values(".env")


def admin_path(settings: Settings) -> Path:
    """Where the admin socket of these settings is, absolute. Raises BadPlace where it can be nowhere."""
    if settings.admin_socket:
        return Path(settings.admin_socket).expanduser().absolute()
    from actors.servers.paths import socket_home

    return socket_home(Path(settings.roost_home).expanduser().absolute()) / "admin.sock"


def _settings(settings: Settings, as_json: bool) -> int:
    rows = listing(settings)
    if as_json:
        return _show(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")
    told = (
        f"{row.name} = {row.value}    [{row.origin}]\n    {row.about} ({row.type}; default {row.default})\n"
        for row in rows
    )
    return _show("".join(told))


def _ctl(settings: Settings, words: list[str], as_json: bool) -> int:
    from actors.face.admin.ctl import ctl
    from actors.servers.paths import BadPlace

    try:
        heard = ctl(admin_path(settings), words, as_json)
    except BadPlace as error:
        return _refused(str(error), FAILED)
    if not heard.error:
        return _show(heard.text, heard.code)
    _tell(heard.text)
    return heard.code


def _check(settings: Settings) -> int:
    from app.check import check

    findings = check(settings, admin_path)
    lines = (f"{'ok ' if found.good else 'BAD'} {found.component:<9} {found.detail}\n" for found in findings)
    return _show("".join(lines), 0 if all(finding.good for finding in findings) else FAILED)


def _restore(settings: Settings, file: Path) -> int:
    from actors.core.runtime import ThreadedRuntime
    from actors.servers.paths import BadPlace
    from actors.servers.postgres_server import CannotStart
    from actors.servers.restore import restore
    from app.home_files import load_or_create_clock
    from app.listeners import StartupError, lock_home, make_home
    from store.errors import StoreError

    try:
        home = make_home(settings.roost_home)
        lock_home(home)
        runtime = ThreadedRuntime(load_or_create_clock(home, settings.speed, ThreadedRuntime().wall()))
        found = restore(settings, home, file, runtime)
    except (StartupError, BadPlace, StoreError, CannotStart, OSError) as error:
        return _refused(str(error), FAILED)
    told = f"{file}: {sum(table.rows for table in found.tables)} rows in {len(found.tables)} tables are back.\n"
    if found.doubted:
        told += (
            f"{len(found.doubted)} posts that were still to be published then are unknown now: "
            "id recovery looks for them on the site, and what it does not find waits for a decision.\n"
        )
    return _show(told)


def run(settings: Settings) -> int:
    """Run until told to stop. Returns the exit code: 0 after an ordered end, 1 where the tree did not hold."""
    from actors.core.runtime import ThreadedRuntime
    from actors.face.http.early_health import EarlyHealthServer
    from actors.face.listeners import Listeners
    from app.listeners import StartupError, lock_home, make_home, open_admin, open_port, temporary

    try:
        port = open_port(settings.host, settings.port)
    except StartupError as shut:
        return _refused(str(shut), FAILED)
    clock = ThreadedRuntime()
    early_health = EarlyHealthServer(port, clock)

    from actors.core.system import System
    from actors.face.context import AppContext
    from actors.face.log_book import LogBook, install, is_terminal
    from actors.servers.paths import BadPlace
    from app.home_files import load_or_create_clock, load_or_create_instance_id
    from supervisors.tree import root

    book = LogBook(sys.stdout, settings.secret_values(), pretty=is_terminal(sys.stdout))
    install(book, settings.log_level)
    try:
        home = make_home(settings.roost_home)
        lock_home(home)
        admin = admin_path(settings)
        os.environ["TMPDIR"] = str(temporary(home, os.environ.get("TMPDIR")))
        listeners = Listeners(port, early_health, open_admin(admin))
        runtime = ThreadedRuntime(load_or_create_clock(home, settings.speed, clock.wall()))
        instance = load_or_create_instance_id(home, runtime.new_id())
    except (StartupError, BadPlace) as error:
        return _refused(str(error), FAILED)
    life = Life()
    life.listen_to_signals()
    view = AppContext(System(runtime), settings, book, home, instance, runtime.now(), life.leave)
    _say_where(settings, home, listeners.port.getsockname()[1])
    code = life.live(view.system, lambda: root(view, listeners))
    admin.unlink(missing_ok=True)
    _end_what_is_left()
    return code


def _end_what_is_left() -> None:
    """The tree has ended what it had started; what was just being started (initdb, the driver) ends here."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _say_where(settings: Settings, home: Path, port: int) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    said = [f"Roost: http://{host}:{port}/"]
    if settings.speed != 1:
        day = 24 * 60 / settings.speed
        said.append(
            f"time:  SPEED={settings.speed:g}: the calendar runs so many times as fast; a day takes {day:g} min"
        )
    site = settings.site_url or "the sandbox, on this machine; nothing leaves it"
    said.append(f"site:  {site}, as @{settings.account} (MODE={settings.mode}, REPLIES={settings.replies})")
    said.append(f"data:  {home}")
    said.append("stop:  Ctrl-C, or `python main.py ctl shutdown`")
    _tell("".join(f"{line}\n" for line in said))


class Life:
    """From the start of the tree to its end, which is asked for (signal, admin socket) or happens (the root ends)."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._asked: str | None = None
        self._failure: str | None = None

    def leave(self, reason: str) -> None:
        """End in order. Any thread may ask."""
        self._asked = self._asked or reason
        self._over.set()

    def listen_to_signals(self) -> None:
        """SIGTERM and SIGINT ask for the end; the second one does not wait for it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        faulthandler.register(signal.SIGUSR1)  # where every thread stands, on stderr: for one that hangs

    def _on_signal(self, number: int, frame: object) -> None:
        if self._asked is not None:
            os._exit(128 + number)
        self.leave(signal.Signals(number).name)

    def live(self, system: "System", root: "Callable[[], Actor]") -> int:
        """Start the root, wait for the end, end it. Returns the exit code."""
        from actors.core.lifecycle import Killed, Shutdown

        log = logging.getLogger("roost")
        system.in_transit = True
        system.runtime.spawn("boot", lambda: self._boot(system, root))
        while not self._over.wait(1.0):
            pass  # a signal that comes just before the wait does not wake it: Python sees it at the next turn
        if self._failure is not None:
            log.critical("%s", self._failure)
            return FAILED
        log.info("ending in order: %s", self._asked)
        system.in_transit = True
        actor = system.directory.whereis("root")
        if actor is not None:
            match system.stop_and_wait(actor, STOP_SECONDS, Shutdown(self._asked or "")):
                case Killed(why):
                    log.warning("the tree was %s; what it left open ends with the process", why)
        return 0

    def _boot(self, system: "System", root: "Callable[[], Actor]") -> None:
        from actors.core.system import StartFailed

        try:
            actor = system.start("root", root, timeout=None)
        except StartFailed as failed:
            self._fail(f"the tree did not start: {failed.__cause__ or failed}")
            return
        system.in_transit = False
        actor.ended.on_settled(lambda ended: self._fail(f"the root ended by itself: {ended.get()}"))

    def _fail(self, why: str) -> None:
        if self._asked is None:
            self._failure = f"{why}. The log above says what led to it; start again, and report it if it stays."
        self._over.set()


def _open_standard_streams() -> None:
    """Where one was closed (`>&-`), the next file would get its number, and what is printed would go into that."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - for as long as the process lasts
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _exit(code: int) -> None:
    """End now. Threads that wait for a socket or a lock end with the process, and are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # whoever read it has gone
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _open_standard_streams()
    try:
        _exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # of a command; a run takes the signal itself
        _exit(128 + signal.SIGINT)
