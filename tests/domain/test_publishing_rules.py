"""Exactly once, as rules: states, claims, restarts, id recovery, uniqueness."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import HOUR, MINUTE
from domain.publishing import claims, recovery, states, uniqueness
from domain.publishing.states import Party, State

MAY_BE_SENT = {State.ARMED, State.UNKNOWN, State.NEEDS_HUMAN, State.CONFIRMED, State.RECONCILED}
# By its owner, late: others did not know that it was never armed. (Or by a person, who retries.)
NEVER_ARMED = {(State.UNKNOWN, State.PLANNED), (State.NEEDS_HUMAN, State.PLANNED)}


def allowed() -> set[tuple[State, State, Party]]:
    moves = set()
    for source, target, party in itertools.product(State, State, Party):
        try:
            assert states.moved(source, target, party) is target
        except states.IllegalMoveError:
            continue
        moves.add((source, target, party))
    return moves


def test_the_life_of_a_post_goes_from_planned_to_a_reported_end():
    owner, recovery_ = Party.OWNER, Party.RECOVERY
    state = states.moved(State.PLANNED, State.CLAIMED, Party.LANE)
    for target in (State.ARMED, State.CONFIRMED):
        state = states.moved(state, target, owner)
    assert states.moved(State.ARMED, State.UNKNOWN, recovery_) is State.UNKNOWN
    assert states.moved(State.UNKNOWN, State.RECONCILED, recovery_) is State.RECONCILED


def test_every_state_can_be_reached_and_only_a_post_on_the_site_ends_there():
    moves = allowed()
    reached, frontier = {State.PLANNED}, [State.PLANNED]
    while frontier:
        source = frontier.pop()
        for target in {to for at, to, _ in moves if at is source} - reached:
            reached.add(target)
            frontier.append(target)
    assert reached == set(State)
    assert {state for state in State if not any(at is state for at, _, _ in moves)} == {
        State.CONFIRMED,
        State.RECONCILED,
    }


def test_what_may_have_been_sent_comes_back_to_the_plan_only_by_a_definite_negative():
    moves = allowed()
    assert {state for state in State if states.may_be_on_site(state)} == MAY_BE_SENT
    for source, target, _ in moves:
        if source in MAY_BE_SENT:
            assert target in MAY_BE_SENT or target is State.FAILED_DEFINITE or (source, target) in NEVER_ARMED


def test_only_the_owner_sends_and_nobody_ends_as_not_sent_what_they_cannot_know_of():
    moves = allowed()
    assert {party for _, target, party in moves if target is State.ARMED} == {Party.OWNER}
    # Whom the site has told so, or whom nobody contradicts once id recovery has given up.
    assert {party for at, to, party in moves if (at, to) == (State.UNKNOWN, State.FAILED_DEFINITE)} == {Party.OWNER}
    assert {party for at, to, party in moves if (at, to) == (State.NEEDS_HUMAN, State.FAILED_DEFINITE)} == {
        Party.OWNER,
        Party.PERSON,
    }


def test_that_a_post_is_on_the_site_is_believed_from_wherever_it_was():
    moves = allowed()
    sources = {at for at, to, party in moves if to is State.CONFIRMED and party is Party.OWNER}
    assert sources == set(State) - {State.CONFIRMED, State.RECONCILED}


@given(st.permutations([State.ARMED, State.UNKNOWN, State.FAILED_DEFINITE, State.CONFIRMED]), st.integers(1, 4))
def test_what_an_owner_says_of_one_claim_ends_alike_in_whatever_order_it_arrives(words: list[State], count: int):
    said, ends = words[:count], set()
    for order in itertools.permutations(said):
        state = State.CLAIMED
        for word in order:
            state = word if states.may_move(state, word, Party.OWNER) else state
        ends.add(state)
    assert len(ends) == 1


def test_an_illegal_move_says_where_the_post_could_go_and_who_may_move_it():
    with pytest.raises(states.IllegalMoveError, match="cannot go from confirmed to armed; from confirmed it goes to"):
        states.moved(State.CONFIRMED, State.ARMED, Party.OWNER)
    with pytest.raises(states.IllegalMoveError, match=r"person must not .* owner may"):
        states.moved(State.CLAIMED, State.ARMED, Party.PERSON)


@given(st.sampled_from(State), st.sampled_from(Party))
def test_nobody_claims_what_may_have_been_sent_and_only_who_holds_the_lane_claims_at_all(state: State, by: Party):
    assert states.may_move(state, State.CLAIMED, by) == (state is State.PLANNED and by is Party.LANE)


moments = st.floats(0, 10 * HOUR)
HELD = claims.Claim("roost-1", 7, claims.CLAIM_SECONDS, None)  # since 0.0


@given(now=moments, later=moments)
def test_no_two_parties_may_ever_act_on_one_claim(now: float, later: float):
    owner_publishes = claims.may_publish(HELD, "roost-1", now)
    other_acts = claims.is_over(HELD, "roost-2", later)
    assert not (owner_publishes and other_acts) or later - now > 2 * claims.MARGIN - 1e-6
    assert not claims.may_publish(HELD, "roost-2", now)
    assert claims.may_publish(HELD, "roost-1", now) != claims.is_over(HELD, "roost-1", now)


def test_between_the_owners_last_moment_and_the_others_first_lie_two_margins():
    assert claims.may_publish(HELD, "roost-1", 6 * HOUR - MINUTE - 1)
    assert not claims.may_publish(HELD, "roost-1", 6 * HOUR - MINUTE)
    assert not claims.is_over(HELD, "roost-2", 6 * HOUR + MINUTE)
    assert claims.is_over(HELD, "roost-2", 6 * HOUR + MINUTE + 1)


Fate = claims.PublishAgain | claims.TakeBack | claims.MakeUnknown


def after(state: State, now: float, whole: bool = True) -> Fate:
    return claims.after_restart(state, HELD, now, journal_whole=whole)


def test_a_claimed_post_is_published_again_after_a_restart_while_its_claim_lasts():
    assert after(State.CLAIMED, HOUR) == claims.PublishAgain()
    assert after(State.CLAIMED, 6 * HOUR - MINUTE - 1) == claims.PublishAgain()
    assert after(State.CLAIMED, 6 * HOUR - MINUTE) == claims.TakeBack()


def test_an_armed_post_is_unknown_after_a_restart():
    assert isinstance(after(State.ARMED, HOUR), claims.MakeUnknown)
    assert isinstance(after(State.ARMED, 7 * HOUR), claims.MakeUnknown)


def test_a_claimed_post_is_unknown_where_the_journal_is_gone():
    assert isinstance(after(State.CLAIMED, HOUR, whole=False), claims.MakeUnknown)


@given(state=st.sampled_from(State), now=moments, whole=st.booleans())
def test_after_a_restart_nothing_is_published_again_that_may_have_been_sent(state: State, now: float, whole: bool):
    if isinstance(after(state, now, whole), claims.PublishAgain | claims.TakeBack):
        assert state is State.CLAIMED
        assert whole


WANTED = recovery.Wanted(author="roost", text="Sleep likes a boring evening.", armed_at=10_000.0, watermark=500)


def seen(id_: int = 501, author: str = "Roost", text: str = WANTED.text, at: float = 10_001.0) -> recovery.Candidate:
    return recovery.Candidate(author, id_, text, at)


def look(
    *candidates: recovery.Candidate, at: float = 10_100.0, complete: bool = True, known: int | None = None
) -> recovery.Finding:
    return recovery.recovered(WANTED, recovery.Look(at, candidates, complete), taken={400}, newest_known=known)


def test_one_match_on_the_profile_confirms_even_if_the_page_is_read_in_part_or_shows_it_twice():
    assert look(seen(), seen(), seen(499), complete=False) == recovery.Confirmed(501)


@pytest.mark.parametrize(
    "other",
    [
        seen(500),
        seen(499),
        seen(author="stranger"),
        seen(text="Another text."),
        seen(at=9_000.0),
        recovery.Candidate("roost", 400, WANTED.text, 10_001.0),
    ],
    ids=["the watermark itself", "older id", "another author", "another text", "before arming", "taken"],
)
def test_what_only_looks_like_the_post_does_not_confirm_it(other: recovery.Candidate):
    assert look(other, at=10_100.0) == recovery.NotYet(10_220.0)


def test_a_page_that_changes_spaces_and_case_still_matches():
    assert look(seen(text="sleep likes  a boring\nEVENING.\u200b")) == recovery.Confirmed(501)


def test_several_matches_raise_the_alarm():
    assert look(seen(501), seen(502)) == recovery.Alarm((501, 502))


def test_absence_is_believed_by_nobody_before_the_settle_time_and_asks_a_person_after():
    assert look(at=10_599.0) == recovery.NotYet(10_600.0)
    assert isinstance(look(at=10_600.0), recovery.NeedsHuman)


def test_a_page_that_lags_or_was_read_in_part_counts_as_no_look_but_not_for_ever():
    assert isinstance(look(at=10_700.0, complete=False), recovery.NotYet)
    assert isinstance(look(at=10_700.0, known=600), recovery.NotYet)
    assert isinstance(look(seen(600, text="newer"), at=10_700.0, known=600), recovery.NeedsHuman)
    late = look(at=10_000.0 + HOUR, known=600)
    assert isinstance(late, recovery.NeedsHuman)
    assert "lags" in late.why


candidates = st.builds(
    recovery.Candidate,
    st.sampled_from(["roost", "ROOST", "other"]),
    st.integers(490, 510),
    st.sampled_from([WANTED.text, WANTED.text.upper(), "Something else."]),
    st.floats(9_000, 12_000),
)


@given(st.lists(candidates, max_size=6), st.floats(10_000, 20_000), st.booleans(), st.none() | st.integers(490, 510))
def test_id_recovery_always_ends_and_confirms_only_what_fits(
    shown: list[recovery.Candidate], at: float, complete: bool, known: int | None
):
    match look(*shown, at=at, complete=complete, known=known):
        case recovery.Confirmed(found):
            assert found > 500
            assert any(each.id == found and each.author.casefold() == "roost" for each in shown)
        case recovery.Alarm(ids):
            assert len(ids) > 1
        case recovery.NotYet(until):
            assert at < 10_000 + recovery.GIVE_UP
            assert until > at
        case recovery.NeedsHuman(why):
            assert at >= 10_000 + recovery.SETTLE
            assert "Look at the site" in why


@given(st.text(max_size=60))
def test_normalizing_twice_is_normalizing_once(text: str):
    once = uniqueness.normalized(text)
    assert uniqueness.normalized(once) == once


@given(st.text(max_size=60))
def test_what_a_page_does_to_a_text_does_not_change_its_hash(text: str):
    shown = "  " + unicodedata.normalize("NFC", text).replace(" ", "\u00a0 ") + "\n\u200d"
    assert uniqueness.text_hash(shown) == uniqueness.text_hash(text)


def test_texts_that_differ_in_a_word_are_not_the_same():
    assert uniqueness.text_hash("Sleep well.") != uniqueness.text_hash("Sleep better.")
    assert uniqueness.text_hash("Sleep well.") == uniqueness.text_hash(" sleep WELL. ")


# what a page shows of a text, and how far down it was read


def part(beginning: bool, text: str = "Sleep likes", id_: int = 501) -> recovery.Candidate:
    return recovery.Candidate("roost", id_, text, 10_001.0, is_whole=False, is_beginning=beginning)


@pytest.mark.parametrize("shown", [part(True), part(False, "Schlaf mag"), part(False, "")])
def test_a_post_of_which_only_a_part_is_shown_is_neither_found_nor_absent(shown: recovery.Candidate):
    late = 10_000.0 + recovery.SETTLE + 1
    assert isinstance(look(shown, at=late), recovery.NotYet)
    given_up = look(shown, at=10_000.0 + recovery.GIVE_UP + 1)
    assert isinstance(given_up, recovery.NeedsHuman)
    assert "501" in given_up.why


def test_a_beginning_that_is_another_posts_says_nothing():
    late = 10_000.0 + recovery.SETTLE + 1
    found = look(part(True, "Another text"), at=late)
    assert isinstance(found, recovery.NeedsHuman)
    assert "not on the profile" in found.why


def test_what_was_read_whole_on_its_own_page_counts_instead_of_its_part():
    assert look(part(True), seen()) == recovery.Confirmed(501)
    late = 10_000.0 + recovery.SETTLE + 1
    other = seen(text="Sleep likes a boring evening. And another one.")
    assert isinstance(look(part(True), other, at=late), recovery.NeedsHuman)


conversations = st.lists(st.lists(st.integers(1, 10**6), min_size=1, max_size=recovery.A_CONVERSATION), max_size=20)


@given(conversations, st.data())
def test_a_page_is_never_believed_to_be_read_further_than_it_was(talks: list[list[int]], data: st.DataObject):
    # A page shows conversations by their newest post, the newest conversation first, and each from its oldest post.
    used: set[int] = set()
    whole = [sorted({each for each in talk if not (each in used or used.add(each))}) for talk in talks]
    ordered = sorted((talk for talk in whole if talk), key=lambda talk: -talk[-1])
    ids = [each for talk in ordered for each in talk]
    cut = data.draw(st.integers(0, len(ids)))
    down = recovery.reached(ids[:cut])
    # What stands in place of a conversation below is no newer than what was reached.
    newest_below = max((talk[-1] for talk in ordered if talk[-1] not in ids[:cut]), default=0)
    assert down is None or newest_below <= down


WORDS = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=8)
LINKS = st.from_regex(r"(https?://)?[a-z]{2,9}\.(com|gov|it)(/[a-z0-9-]{1,30}){0,3}/?", fullmatch=True)


@given(WORDS, LINKS, WORDS, st.booleans(), st.integers(0, 80))
def test_a_text_with_a_link_is_known_again_however_the_link_is_shown(
    before: list[str], link: str, after: list[str], scheme: bool, length: int
):
    sent = " ".join([*before, link, *after])
    bare = link.removeprefix("https://").removeprefix("http://")
    cut = bare if len(bare) <= length or "/" not in bare[:length] else f"{bare[:length]}…"
    shown = " ".join([*before, f"http://{cut}" if scheme else cut, *after])
    assert uniqueness.is_shown_as(sent, shown)
    assert uniqueness.is_shown_as(" ".join([*before, link]), " ".join(before), has_card=True)
    assert not uniqueness.is_shown_as(sent, " ".join([*before, "other.example/x", *after]))
    assert not uniqueness.is_shown_as(" ".join([*before, link]), " ".join(before))


@given(WORDS, WORDS)
def test_another_text_is_never_taken_for_it(one: list[str], other: list[str]):
    assert uniqueness.is_shown_as(" ".join(one), " ".join(other)) == (one == other)


@given(WORDS, st.integers(0, 40))
def test_a_text_may_begin_with_whatever_it_begins_with(words: list[str], length: int):
    text = " ".join(words)
    assert uniqueness.may_begin_with(text, text[:length])
    assert uniqueness.may_begin_with(text, f"{text[:length]}…")
