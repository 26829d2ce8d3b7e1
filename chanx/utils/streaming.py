"""Sending a growing text, such as a language model's answer, piece by piece."""


class DeltaTracker:
    """How much of a growing text was sent.

    Sources give it in two forms, and may mix them: the whole text so far (``push``), or the next piece (``advance``).

    Attribute: ``text``, what was sent.
    """

    __slots__ = ("text",)

    def __init__(self) -> None:
        self.text = ""

    def push(self, text: str) -> str:
        """Take the whole text so far and return what of it was not sent yet, ``""`` if all of it was.

        Raises ``ValueError`` if the text no longer begins with what was sent: ``reset()`` then, and send it anew.
        """
        if not text.startswith(self.text):
            raise ValueError("The text does not continue what was sent: call reset() and send the text from its start.")
        delta, self.text = text[len(self.text) :], text
        return delta

    def advance(self, delta: str) -> str:
        """Take the next piece, which is being sent as it is; returns the whole text so far."""
        self.text += delta
        return self.text

    def reset(self) -> None:
        """Begin a new text."""
        self.text = ""
