"""Two small files in the home that are written once: where the calendar stands, and which instance this is.

Both are written whole or not at all, since a reader of half an anchor would be in another century.
"""

import json
import os
from pathlib import Path

from app.listeners import StartupError, cannot_write
from domain.calendar import Anchor

CLOCK = "clock.json"
INSTANCE = "instance"


def load_or_create_clock(home: Path, speed: float, wall: float) -> Anchor:
    """The calendar's anchor: the stored one, or a new one where there is none. wall: Unix seconds now.

    At another speed it goes on from here without a jump; with a machine's clock that was set back behind the anchor,
    from where it was anchored, since the calendar never goes back.

    Raises StartupError if the file cannot be read or written.
    """
    path = home / CLOCK
    stored = _stored(path)
    if stored is None:
        anchor = Anchor(real=wall, calendar=wall, speed=speed)
    elif wall < stored.real:
        anchor = Anchor(real=wall, calendar=stored.calendar, speed=speed)
    elif stored.speed != speed:
        anchor = stored.with_speed(speed, wall)
    else:
        return stored
    write_atomic(path, json.dumps({"real": anchor.real, "calendar": anchor.calendar, "speed": anchor.speed}) + "\n")
    return anchor


def _stored(path: Path) -> Anchor | None:
    try:
        found = json.loads(path.read_text())
        anchor = Anchor(float(found["real"]), float(found["calendar"]), float(found["speed"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StartupError(
            f"calendar {path}: cannot be read ({error}). Put back a copy of it; or remove it, and the calendar "
            "begins anew at the present time, which what is planned already does not know."
        ) from error
    if anchor.speed <= 0:
        raise StartupError(
            f"calendar {path}: its speed is {anchor.speed:g}, and no calendar runs so. Put back a copy of it."
        )
    return anchor


def load_or_create_instance_id(home: Path, new_id: str) -> str:
    """This home's id: the stored one, else `new_id`, stored. Raises StartupError if it cannot be read or written."""
    path = home / INSTANCE
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        found = ""
    except (OSError, ValueError) as error:
        raise StartupError(
            f"instance {path}: cannot be read ({error}). Give this user the right to read it."
        ) from error
    if not found:
        write_atomic(path, new_id + "\n")
    return found or new_id


def write_atomic(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, finds the old one or the new one. Raises StartupError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StartupError(cannot_write(path.parent, error)) from error
