"""The refusal of a setting."""

from __future__ import annotations

from ecosystem.kernel.refusals import Invalid


class Wrong(Invalid):
    """A setting has no fitting value."""
