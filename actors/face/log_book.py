"""The log: one JSON object a line on stdout, the last lines kept for `/logs`, and no secret in either.

Who spoke is taken from the thread's name (`posting#3`, `database/probe`: the runtime names every thread after its
actor), so that no call has to say it; a coroutine on a foreign loop may say it by `extra=`. The time is the
machine's, not the calendar's: it is for those who compare it with other logs.
"""

import contextlib
import json
import logging
import sys
import traceback
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

KEPT = 2000  # lines
LONGEST_MESSAGE = 4_000  # characters
LONGEST_TRACEBACK = 12_000
HIDDEN = "***"
CONTEXT = ("actor", "generation", "job", "run")
COLOURS = {"DEBUG": "\x1b[2m", "INFO": "", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31;1m"}
PLAIN = "\x1b[0m"


def speaker(thread: str) -> dict[str, Any]:
    """Actor, generation, job and run as the thread's name tells them.

    >>> speaker("run:plan:17#1")
    {'actor': 'run:plan:17', 'generation': 1, 'job': 'plan', 'run': '17'}
    >>> speaker("database/probe")
    {'actor': 'database'}
    """
    name, _, generation = thread.partition("/")[0].partition("#")
    said: dict[str, Any] = {"actor": name}
    if generation.isdigit():
        said["generation"] = int(generation)
    match name.split(":"):
        case ["job", job]:
            said["job"] = job
        case ["run", job, *run] if run:
            said |= {"job": job, "run": ":".join(run)}
    return said


def bounded(text: str, longest: int) -> str:
    """The text, cut to `longest` characters with a note of what is missing."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest} characters more)"


class LogBook(logging.Handler):
    """Writes every record to a stream and keeps the last ones.

    secrets: texts that are blacked out wherever they stand. pretty: for a terminal instead of for programs.
    """

    def __init__(self, stream: TextIO, secrets: Iterable[str] = (), pretty: bool = False, kept: int = KEPT) -> None:
        super().__init__()
        self._stream = stream
        self._secrets = tuple(secret for secret in secrets if secret)
        self._pretty = pretty
        self._kept: deque[dict[str, Any]] = deque(maxlen=kept)
        self.counts: dict[str, int] = dict.fromkeys(COLOURS, 0)

    def hide(self, secrets: Iterable[str]) -> None:
        """Black these out too, from now on."""
        self._secrets = tuple(dict.fromkeys((*self._secrets, *(secret for secret in secrets if secret))))

    def emit(self, record: logging.LogRecord) -> None:
        """Called by `logging`, under this handler's lock."""
        try:
            entry = self.entry(record)
        except Exception:  # noqa: BLE001 - a log call with wrong arguments must not take down who made it
            self.handleError(record)
            return
        self._kept.append(entry)
        self.counts[record.levelname] = self.counts.get(record.levelname, 0) + 1
        line = pretty(entry) if self._pretty else json.dumps(entry, ensure_ascii=False)
        # A reader of stdout that went away (a closed pipe, a full disk) is no reason to stop working: /logs has it.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    def entry(self, record: logging.LogRecord) -> dict[str, Any]:
        """One record as what is written."""
        at = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.clean(record.getMessage(), LONGEST_MESSAGE),
        }
        entry |= speaker(record.threadName or "")
        entry |= {key: getattr(record, key) for key in CONTEXT if hasattr(record, key)}
        if record.exc_info and record.exc_info[1] is not None:
            told = "".join(traceback.format_exception(record.exc_info[1]))
            entry["exception"] = self.clean(told, LONGEST_TRACEBACK)
        return entry

    def clean(self, text: str, longest: int) -> str:
        """Without secrets, and no longer than that. Blacked out first, so that no cut leaves half a secret."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return bounded(text, longest)

    def last(self, count: int) -> list[dict[str, Any]]:
        """The last `count` entries, oldest first."""
        kept = list(self._kept)
        return kept[len(kept) - min(count, len(kept)) :]


def pretty(entry: dict[str, Any]) -> str:
    """An entry for a person at a terminal."""
    who = entry.get("actor", "")
    line = f"{entry['time'][11:19]} {COLOURS[entry['level'].upper()]}{entry['level']:<7}{PLAIN} {who:<18} "
    # What a page or a model said may carry terminal escapes; a person's terminal must not obey them.
    text = entry["message"] + ("\n" + entry["exception"] if "exception" in entry else "")
    return line + "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def install(book: LogBook, level: str) -> None:
    """Send everything that is logged in this process to the book."""
    root = logging.getLogger()
    root.handlers[:] = [book]
    root.setLevel(level.upper())
    # What they say at INFO is each request or statement of theirs, and is on our metrics.
    for chatty in ("httpx2", "httpx", "httpcore", "openai", "asyncio", "yoyo", "psycopg.pool", "urllib3"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def is_terminal(stream: TextIO = sys.stdout) -> bool:
    """Whether a person reads it."""
    return stream.isatty()
