"""A post as the store knows it."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, LiteralString

from domain.publishing.caps import Approval
from domain.publishing.claims import Claim
from domain.publishing.states import State
from store.sql import Row

Kind = Literal["post", "reply", "thread_part"]
Source = Literal["model", "template"]

PUBLISHED = (State.CONFIRMED, State.RECONCILED)


@dataclass(frozen=True, slots=True)
class Post:
    """One row of `posts`. Times in calendar Unix seconds.

    claim: the last one, also after it was used. publish_at: not to be sent before. attempts: claims so far.
    """

    id: int
    account: str
    kind: Kind
    body: str
    text_hash: str
    source: Source
    state: State
    approval: Approval
    due_at: float
    created_at: float
    changed_at: float
    arm: dict[str, Any] = field(default_factory=dict)
    propensity: float | None = None
    predicted: float | None = None
    model_version: int | None = None
    parent_site_id: int | None = None
    parent_author: str | None = None
    conversation_id: int | None = None
    thread_id: int | None = None
    thread_position: int | None = None
    claim: Claim | None = None
    publish_at: float | None = None
    attempts: int = 0
    armed_at: float | None = None
    site_id: int | None = None
    confirmed_at: float | None = None
    evidence: dict[str, Any] | None = None
    failure: str | None = None
    needs_human: str | None = None
    decided_by: str | None = None
    removed_at: float | None = None

    @property
    def token(self) -> int:
        """Of its claim, to be shown with every word about it. Raises ValueError where it has none."""
        if self.claim is None:
            raise ValueError(f"post {self.id} was never claimed, so nothing can have become of it")
        return self.claim.token


COLUMNS: LiteralString = """
    id, account, kind, body, text_hash, source, state, approval, arm, propensity, predicted, model_version,
    parent_site_id, parent_author, conversation_id, thread_id, thread_position, attempts, site_id, evidence, failure,
    needs_human, decided_by, claim_owner, claim_token, watermark,
    extract(epoch from due_at)::float8 as due_at, extract(epoch from publish_at)::float8 as publish_at,
    extract(epoch from claim_ends_at)::float8 as claim_ends_at, extract(epoch from armed_at)::float8 as armed_at,
    extract(epoch from confirmed_at)::float8 as confirmed_at, extract(epoch from removed_at)::float8 as removed_at,
    extract(epoch from created_at)::float8 as created_at, extract(epoch from changed_at)::float8 as changed_at
"""


def post(row: Row) -> Post:
    """The value of a row selected with COLUMNS."""
    fields = dict(row)
    owner, token = fields.pop("claim_owner"), fields.pop("claim_token")
    until, watermark = fields.pop("claim_ends_at"), fields.pop("watermark")
    claim = None if owner is None else Claim(owner, token, until, watermark)
    return Post(claim=claim, state=State(fields.pop("state")), **fields)


def to_json(value: Post) -> dict[str, Any]:
    """The post as plain JSON values, for the journal."""
    return asdict(value)


def from_json(fields: dict[str, Any]) -> Post:
    """The post that `to_json` wrote. Raises TypeError, KeyError or ValueError on anything else."""
    claim = fields["claim"]
    return Post(**{**fields, "state": State(fields["state"]), "claim": None if claim is None else Claim(**claim)})
