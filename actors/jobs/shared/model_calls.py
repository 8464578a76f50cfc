"""Asking the model from a run, and booking what it cost.

The cost goes into the journal first: dollars that were spent while Postgres was away count against the day too, once
it is back.
"""

from collections.abc import Mapping
from typing import Any

from actors.account import journal
from actors.protocol.model import ModelError
from actors.protocol.resources import LeaseEnded, LeaseRefused
from actors.scheduling.run_context import RunContext
from domain.content.prompts import Prompt
from store.spend import Spend


def written(ctx: RunContext, prompt: Prompt, schema: Mapping[str, Any]) -> str | None:
    """The model's answer, unchecked; None where there is no model, it is away, or its budget is spent."""
    if ctx.settings.openai_api_key is None or ctx.effects.templates:
        return None
    try:
        with ctx.model() as model:
            completion = model.complete(prompt.system, prompt.user, schema)
    except (LeaseRefused, LeaseEnded, ModelError) as error:
        ctx.log.warning("the model is not asked, or did not answer: %s", error)
        return None
    spend = Spend(
        call_id=completion.call_id,
        at=ctx.calendar(),
        usd=completion.usd,
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
        model=completion.model,
        job=ctx.spec.name,
    )
    journal.append(ctx, (f"spend/{spend.call_id}", spend))
    return completion.text
