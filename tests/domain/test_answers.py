"""What the site's error codes mean: each that its client knows has one consequence."""

import pytest

from domain.publishing.answers import CODES, Consequence, consequence_of
from social.publishing import Answer, error_for, negative_of
from social.site import AccountLocked, NeedsPerson, RateLimited, Rejected, SessionExpired

EXPECTED = {
    SessionExpired: (32, 89, 215, 353),
    AccountLocked: (64, 226, 231, 261, 326, 416, 445),
    RateLimited: (88, 185, 344, 429),
    NeedsPerson: (188, 439),
    Rejected: (38, 144, 179, 186, 187, 214, 324, 385, 386, 421, 422, 425, 433),
    type(None): (29, 130, 131),
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in EXPECTED.items() for code in codes])
def test_a_code_becomes_its_kind_of_error(kind: type, code: int) -> None:
    error = error_for(code, "said", None, "send")
    assert type(error) is kind
    if error is not None:
        assert str(code) in str(error) or code == 187
        assert error.definite is (code != 187)


def test_no_code_is_left_out() -> None:
    assert sorted(CODES) == sorted(code for codes in EXPECTED.values() for code in codes)
    assert consequence_of(131) is Consequence.UNCERTAIN
    assert consequence_of(99_999) is None


def test_a_limit_is_known_by_its_reset() -> None:
    limited = negative_of(Answer(429, None, "", reset=1_795_262_400.0))
    assert isinstance(limited, RateLimited)
    assert limited.until == 1_795_262_400.0
