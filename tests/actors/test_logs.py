"""The log: who spoke, what is kept, what is never shown."""

import io
import json
import logging
import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.face.log_book import LONGEST_MESSAGE, LogBook, speaker

SECRET = "hunter2-hunter2"


def record(
    message: str, *args: Any, thread: str = "MainThread", error: BaseException | None = None
) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("roost.test", logging.INFO, "f", 1, message, args, info)
    made.threadName = thread
    return made


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_speaker() -> None:
    stream = io.StringIO()
    LogBook(stream).emit(record("a\nb", thread="run:plan:17#4"))
    (line,) = lines(stream)
    assert (line["message"], line["level"], line["logger"]) == ("a\nb", "info", "roost.test")
    assert (line["actor"], line["generation"], line["job"], line["run"]) == ("run:plan:17", 4, "plan", "17")


def test_tasks_and_jobs_speak_for_their_actor() -> None:
    assert speaker("database/probe") == {"actor": "database"}
    assert speaker("job:plan#2") == {"actor": "job:plan", "generation": 2, "job": "plan"}


def test_a_coroutine_can_say_who_it_is() -> None:
    said = record("x", thread="browser/loop")
    said.job, said.run = "posting", "9"
    entry = LogBook(io.StringIO()).entry(said)
    assert (entry["actor"], entry["job"], entry["run"]) == ("browser", "posting", "9")


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_secret_is_written_or_kept(before: str, after: str) -> None:
    stream = io.StringIO()
    book = LogBook(stream, [SECRET])
    book.emit(record("%s", before + SECRET + after, error=ValueError(SECRET)))
    assert SECRET not in stream.getvalue()
    assert SECRET not in json.dumps(book.last(1))


def test_a_cut_leaves_no_half_secret() -> None:
    entry = LogBook(io.StringIO(), [SECRET]).entry(record("x" * (LONGEST_MESSAGE - 5) + SECRET))
    assert "hunt" not in entry["message"]


def test_a_line_is_bounded() -> None:
    entry = LogBook(io.StringIO()).entry(record("x" * 100_000))
    assert len(entry["message"]) < LONGEST_MESSAGE + 50
    assert entry["message"].endswith("characters more)")


def test_the_last_lines_are_kept_and_no_more() -> None:
    book = LogBook(io.StringIO(), kept=3)
    for number in range(5):
        book.emit(record(str(number)))
    assert [entry["message"] for entry in book.last(10)] == ["2", "3", "4"]
    assert [entry["message"] for entry in book.last(1)] == ["4"]
    assert book.last(0) == []


def test_a_reader_that_went_away_stops_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    book = LogBook(stream)
    book.emit(record("still here"))
    assert book.last(1)[0]["message"] == "still here"


def test_a_terminal_is_not_made_to_obey_what_was_scraped() -> None:
    stream = io.StringIO()
    LogBook(stream, pretty=True).emit(record("\x1b[2Jgone"))
    assert "\x1b[2J" not in stream.getvalue()


def test_lines_of_many_threads_do_not_mix() -> None:
    stream = io.StringIO()
    book = LogBook(stream)
    threads = [threading.Thread(target=lambda: [book.handle(record("x" * 500)) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(stream)) == 200
    assert book.counts["INFO"] == 200
