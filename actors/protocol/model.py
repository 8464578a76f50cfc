"""What the language model answers a run with."""

from dataclasses import dataclass


class ModelError(Exception):
    """The model gave no usable answer.

    fault: whether that is the API's doing, and not the request's. free: whether it certainly cost nothing.
    """

    def __init__(self, text: str, fault: bool, free: bool = False) -> None:
        super().__init__(text)
        self.fault = fault
        self.free = free


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote. call_id: for the books, where each call counts once. usd: dollars."""

    text: str
    call_id: str
    model: str
    input_tokens: int
    output_tokens: int
    usd: float
