"""The command line: what may be said, and that nothing else may.

A wrong word is one line on stderr that names what is accepted, and exit code 2, whichever command it was said to.
"""

import argparse
from typing import NoReturn

PROGRAM = "main.py"
HELP = ("help", "-h", "--help")
ABOUT = {
    "settings": "list every setting with its type, default, value (secrets masked) and where it came from",
    "check": "look whether each component can be reached with these settings; exit code 1 if one cannot",
    "restore": "put a backup back into an empty database, while Roost does not run",
    "ctl": "tell a running Roost something; `ctl help` lists what",
}
EXIT = "Exit codes: 0 for an ordered end, 1 where it could not be done, 2 for wrong settings or words."


class UsageError(Exception):
    """The words are not understood. The text is one line: why, and what is accepted."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, command: str, usage: str) -> None:
        super().__init__(
            prog=f"{PROGRAM} {command}",
            usage=f"{PROGRAM} {usage}",
            description=f"{ABOUT[command].capitalize()}.",
            epilog=EXIT,
            allow_abbrev=False,
            add_help=False,  # it would print by itself, and whoever reads may be gone
        )
        self.set_defaults(command=command)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. Say: {self.usage}")


def parsed(words: list[str]) -> argparse.Namespace:
    """The words, as `command` and what belongs to it; asked for help, as `help` and its `text`. Raises UsageError.

    words: at least one.
    """
    match words:
        case [word] if word in HELP:
            return argparse.Namespace(command="help", text=_help())
        case [word, name] if word in HELP and name in ABOUT:
            return argparse.Namespace(command="help", text=_parser(name).format_help())
        case [word, name, *_] if word in HELP:
            raise UsageError(f"there is no help on {name!r}. Say: {PROGRAM} help [{'|'.join(ABOUT)}]")
        case ["ctl", word, name, *_] if word in HELP[1:]:
            return parsed(["ctl", name, word])
        case ["ctl", name, *rest] if name not in HELP[1:] and not set(rest).isdisjoint(HELP[1:]):
            return argparse.Namespace(command="ctl", words=["help", name], json=False)  # a running Roost knows it
        case [name, *rest] if name in ABOUT and not set(rest).isdisjoint(HELP[1:]):
            return parsed(["help", name])
        case [name, *rest] if name in ABOUT:
            return _parser(name).parse_intermixed_args(rest)
        case [word, *_]:
            what = "option" if word.startswith("-") else "command"
            raise UsageError(f"there is no {what} {word!r}. Say: {PROGRAM} [{'|'.join(ABOUT)}|help]")
    raise AssertionError("there must be a word")


def _parser(name: str) -> _Parser:
    match name:
        case "settings":
            parser = _Parser(name, "settings [--json]")
            parser.add_argument("--json", action="store_true", help="as one JSON list, for programs")
        case "restore":
            parser = _Parser(name, "restore FILE")
            parser.add_argument("file", metavar="FILE", help="one of ROOST_HOME/backups")
        case "ctl":
            parser = _Parser(name, "ctl COMMAND [WORD ...] [--json]")
            parser.add_argument("--json", action="store_true", help="the answer as one line of JSON, for programs")
            parser.add_argument("words", metavar="WORD", nargs="*", help="a command and its words")
        case _:
            parser = _Parser(name, name)
    return parser


def _help() -> str:
    commands = "\n".join(f"  {name:<9} {about}" for name, about in ABOUT.items())
    return (
        f"usage: {PROGRAM} [COMMAND]\n\n"
        "Runs one social account, unattended, with the settings of the environment and .env, until it is told to\n"
        "stop (Ctrl-C, SIGTERM, `ctl shutdown`). With a command, does that instead:\n\n"
        f"{commands}\n  {'help':<9} this; with a command behind it, what that accepts\n\n{EXIT}\n"
    )
