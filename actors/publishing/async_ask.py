"""From a coroutine to an actor: how a page's work waits for an answer.

On the browser's loop it must not stand still, so the answer is awaited there. Where no loop runs, the coroutine is
stepped by the run's own thread, as a simulation does it, and that thread may block as everywhere else in a run.
"""

import asyncio
from typing import Any

from actors.core.future import Future
from actors.scheduling.run_context import RunContext


async def asked(ctx: RunContext, name: str, message: Any) -> Any:
    """The actor's answer, awaited. Raises as an ask does."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return ctx.ask(name, message)
    arrived: asyncio.Future[Any] = loop.create_future()

    def settle(answer: Future) -> None:
        if not arrived.done():
            try:
                arrived.set_result(answer.get(0))
            except Exception as error:  # noqa: BLE001 - it travels to the coroutine
                arrived.set_exception(error)

    def in_the_loop(answer: Future) -> None:
        loop.call_soon_threadsafe(settle, answer)

    ctx.ask_later(name, message).on_settled(in_the_loop)
    return await arrived
