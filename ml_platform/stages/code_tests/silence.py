"""Silence: the standard output of a child is taken for what it tells; what the author's code prints is counted."""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import IO


class Counting(io.TextIOBase):
    """A text stream that keeps nothing but the number of characters."""

    def __init__(self) -> None:
        self.characters = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, text: str) -> int:
        """Count."""
        self.characters += len(text)
        return len(text)


def take_output() -> tuple[IO[bytes], Counting]:
    """Return the real standard output, for this process alone, and the stream that others now print to."""
    out = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    printed = Counting()
    sys.stdout = sys.stderr = printed
    warnings.simplefilter("ignore")  # a division by zero is judged by its result
    return out, printed
