"""What is certain of another clock."""

from hypothesis import given
from hypothesis import strategies as st

from chanx.doctor.clock import ahead, in_words, is_off

SECONDS = st.floats(0, 100)


@given(asked=SECONDS, delay=SECONDS, back=SECONDS, skew=st.floats(-100, 100))
def test_no_more_is_claimed_than_is_true(asked: float, delay: float, back: float, skew: float) -> None:
    read_at = asked + delay

    claimed = ahead(read_at + skew, before=asked, after=read_at + back)

    assert claimed * skew >= 0
    assert abs(claimed) <= abs(skew) + 1e-6
    # and all of it where there is no delay
    if delay == back == 0:
        assert abs(claimed - skew) < 1e-6


def test_in_words() -> None:
    assert is_off(30)
    assert is_off(-30)
    assert not is_off(0.5)
    assert in_words(30) == "30.0 s ahead of this host's"
    assert in_words(-3.24) == "3.2 s behind this host's"
