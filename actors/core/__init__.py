"""What an actor is: its life, mailbox, name, answers, and the world it runs in.

By itself, as in pykka, without a system or a supervisor (docs/supervision.md has what differs):

    from actors.core import Actor

    class Greeter(Actor):
        def on_receive(self, message: str) -> str:
            return f"Hello, {message}!"

    ref = Greeter.start()
    ref.ask("world")                # "Hello, world!"
    ref.stop()
"""

from actors.core.base import Actor
from actors.core.system import System

__all__ = ["Actor", "System"]
