"""Refusals: outcomes that say no, in five kinds. The kind tells the caller what to do next.

Contexts subclass a kind and know no HTTP; the edges map kinds to answers once, in one table. The class name is the
error's name everywhere: GraphQL `errorType`, workflow `ErrorEquals`, problem document `type`.
"""

from __future__ import annotations


class Refusal(Exception):
    """Base of every refusal. `message` is a sentence for a person; `field` names the input at fault, if one is."""

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__).strip())
        self.field = field

    @property
    def message(self) -> str:
        return str(self.args[0])

    @property
    def name(self) -> str:
        return type(self).__name__


class Invalid(Refusal):
    """The request is not well formed: correct it."""


class Denied(Refusal):
    """This actor may not: ask as someone else."""


class NotFound(Refusal):
    """There is no such thing: look elsewhere."""


class Conflict(Refusal):
    """Something changed meanwhile: read again."""


class Unavailable(Refusal):
    """Not now: repeat later."""


class IdReused(Conflict):
    """This id already names another request, or another actor's."""
