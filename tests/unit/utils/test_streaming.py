"""A growing text, sent in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.utils.streaming import DeltaTracker


@given(st.lists(st.tuples(st.text(), st.booleans())))
def test_the_pieces_make_up_the_text_in_whichever_form_it_comes(pieces: list[tuple[str, bool]]) -> None:
    tracker, sent, whole = DeltaTracker(), "", ""
    for piece, is_whole in pieces:
        whole += piece
        if is_whole:
            sent += tracker.push(whole)
        else:
            assert tracker.advance(piece) == whole
            sent += piece
        assert tracker.text == sent == whole
    assert tracker.push(whole) == ""


def test_a_text_that_was_rewritten() -> None:
    tracker = DeltaTracker()
    assert tracker.push("Hello") == "Hello"
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        tracker.push("Hallo")
    assert tracker.push("Hello!") == "!"
    tracker.reset()
    assert tracker.push("Hallo") == "Hallo"
