"""Makes anew what is taken from twitter-text: `domain/content/site_tables.py`, and the counts to compare with.

    python -m tests.reference.make DIRECTORY

DIRECTORY is twitter-text's (version 3, with its package.json); node does the reading. Nothing of it is needed to run
Roost or its tests.
"""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.reference.texts import texts

SCRIPT = Path(__file__).with_name("twitter_text.cjs")
TABLES = Path(__file__).parents[2] / "domain/content/site_tables.py"
WEIGHTS = Path(__file__).with_name("weights.json")
SEED, NUMBER = 20, 3_000
HEAD = '''"""Tables of twitter-text {version}, by which the site counts lengths and finds links. Made, not written.

Copyright Twitter, Inc., under the Apache License 2.0 (twitter-text) and the MIT License (the emoji, twemoji-parser).
`python -m tests.reference.make DIRECTORY` makes them anew from the JavaScript edition of twitter-text in DIRECTORY.

LIGHT: ranges of code points that weigh 1. TLDS: endings of domains, with blanks between. CASES: for a letter in them
that is not ASCII, all that counts as the same. The others are insides of character classes, EMOJI a whole expression,
all over UTF-16 code units.
"""

'''


def asked(what: str, directory: str, given: Any = None) -> Any:
    """What twitter-text says. Raises CalledProcessError where node or twitter-text does not run."""
    environment = {**os.environ, "TWITTER_TEXT": str(Path(directory).resolve())}
    command = ["node", str(SCRIPT), what]
    done = subprocess.run(
        command, input=json.dumps(given), env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def module(tables: dict[str, Any]) -> str:
    """The Python of `site_tables`."""
    lines = [HEAD.format(version=tables["version"])]
    lines.append(f"LIGHT = {tuple((each['start'], each['end']) for each in tables['ranges'])}\n")
    cases = "".join(f"    {char!a}: {same!a},\n" for char, same in sorted(tables["cases"].items()))
    lines.append(f"CASES = {{\n{cases}}}\n".replace("'", '"'))
    lines.append(_spread("TLDS", "", [ascii(name)[1:-1] + " " for name in tables["tlds"]]))
    for name, expression in {**tables["classes"], "EMOJI": tables["emoji"]}.items():
        plain = "".join(char if char.isascii() else f"\\u{ord(char):04x}" for char in expression)
        lines.append(_spread(name, "r", re.findall(r"\\u[0-9a-f]{4}|.", plain)))
    return "".join(lines)


def _spread(name: str, prefix: str, pieces: list[str], width: int = 110) -> str:
    """A string over many lines, broken between pieces only."""
    rows, row = [], ""
    for piece in pieces:
        if len(row) + len(piece) > width:
            rows, row = [*rows, row], ""
        row += piece
    body = "".join(f'    {prefix}"{each}"\n' for each in [*rows, row])
    return f"{name} = (\n{body})\n"


def main(directory: str) -> None:
    """Write both."""
    TABLES.write_text(module(asked("tables", directory)))
    there = texts(random.Random(SEED), NUMBER)
    rows = [[text, *said] for text, said in zip(there, asked("weigh", directory, there), strict=True)]
    WEIGHTS.write_text("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
