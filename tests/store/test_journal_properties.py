"""The journal against a model of a few lines: whatever is done in whatever order, with restarts between."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.publishing.states import State
from store.journal import Armed, Journal
from tests.store.test_journal import NOW, confirmed, failed, flag, lost_sight, post

IDS = st.sampled_from(["a", "b", "c", "d", "e"])
POSTS = st.integers(1, 3)
# How far each state is along, as the journal must see it: nothing ever goes back within a claim.
ALONG = [State.CLAIMED, State.ARMED, State.UNKNOWN, State.FAILED_DEFINITE, State.CONFIRMED]


class JournalAgainstModel(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="roost-journal-")
        self.path = Path(self.directory.name) / "journal.sqlite"
        self.journal = Journal.open(self.path, now=NOW)
        self.waiting: list[str] = []
        self.states: dict[int, State] = {}
        self.armed: set[int] = set()

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = Journal.open(self.path, now=NOW)

    @rule(ids=st.lists(IDS, max_size=4))
    def append(self, ids: list[str]) -> None:
        fresh = [each for each in dict.fromkeys(ids) if each not in self.waiting]
        assert self.journal.append([(each, flag(1)) for each in ids]) == len(fresh)
        self.waiting += fresh

    @rule(count=st.integers(0, 3))
    def replay_the_first(self, count: int) -> None:
        self.journal.done([entry.id for entry in self.journal.waiting(limit=count)])
        del self.waiting[:count]

    @precondition(lambda self: self.waiting)
    @rule()
    def reject_the_first(self) -> None:
        self.journal.reject(self.journal.waiting(limit=1)[0], "never")
        self.waiting.pop(0)

    @rule(number=POSTS)
    def keep(self, number: int) -> None:
        self.journal.keep([post(number)], at=NOW)
        self.states.setdefault(number, State.CLAIMED)

    @rule(number=POSTS)
    def arm(self, number: int) -> None:
        may = self.states.get(number) is State.CLAIMED
        assert (self.journal.arm(post(number), by="one", at=NOW) == Armed()) == may
        if may:
            assert number not in self.armed, "armed twice"
            self.armed.add(number)
            self.moved(number, State.ARMED)

    @rule(number=POSTS, to=st.sampled_from([State.UNKNOWN, State.FAILED_DEFINITE, State.CONFIRMED]))
    def settle(self, number: int, to: State) -> None:
        if number not in self.states:
            return
        may = ALONG.index(self.states[number]) < ALONG.index(to)
        match to:
            case State.UNKNOWN:
                done = self.journal.record(lost_sight(post(number), "closed"), attempt=1)
            case State.FAILED_DEFINITE:
                done = self.journal.record(failed(post(number), "rejected"), attempt=1)
            case _:
                done = self.journal.record(confirmed(post(number), 900 + number, {}), attempt=1)
        assert done == may
        if may:
            self.moved(number, to)

    def moved(self, number: int, to: State) -> None:
        self.states[number] = to
        self.waiting.append(f"post/{number}/1/{to}")

    @invariant()
    def agrees(self) -> None:
        assert [entry.id for entry in self.journal.waiting()] == self.waiting
        assert {kept.post.id: kept.state for kept in self.journal.claims()} == self.states

    def teardown(self) -> None:
        self.journal.close()
        self.directory.cleanup()


TestJournal = JournalAgainstModel.TestCase
TestJournal.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
