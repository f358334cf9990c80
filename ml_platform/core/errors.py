"""The three kinds of error; a failed gate is a verdict and never one of these."""

from __future__ import annotations


class PlatformError(Exception):
    """An error a person can act on: where, what was seen, what is needed, what to do.

    Its text is shown to users as it is, so it never holds a value of a personal-data column.
    """

    exit_code = 2


class PolicyInvalid(PlatformError):
    """A model file or a policy pack can't be accepted; its author has to change it.

    `problems` holds every problem of the file, each as one line `file:line: ...`.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class DataInvalid(PlatformError):
    """The input (a table, a request, an argument) can't be used as it is."""


class Unavailable(PlatformError):
    """Something outside (a file, a database, a service) could not be reached or written."""


class LimitReached(PlatformError):
    """A stage used more of the machine than the model file allows it; what it was making is thrown away."""

    exit_code = 4


class NotEnoughEvidence(PlatformError):
    """A question can't be answered yet because too little was measured."""

    exit_code = 3
