"""The ids that a checkout gives to what it asks for, made from the hold's own.

A hold becomes one booking, and each attempt to pay for it one payment. Ids made from these numbers are the same in every
tab, after going back, and in a form sent twice: whatever is repeated is known again.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from ecosystem.contexts.booking import Hold
from ecosystem.kernel import ids


def booking_id(hold: Hold) -> str:
    """The id of the booking that the hold becomes."""
    return _made("bkg", hold, "booking")


def payment_id(hold: Hold, attempt: int, refused: int = 0) -> str:
    """The id of an attempt to pay, counted from 0, after so many that were refused before there was a payment.

    Attempts are in the order of their ids.
    """
    purpose = f"payment {attempt} after {refused} refused" if refused else f"payment {attempt}"
    return _made("pay", hold, purpose, timedelta(milliseconds=attempt))


def again(hold: Hold) -> str:
    """The id of the hold that takes the place of one that ended."""
    return _made("hld", hold, "again")


def taken_over(hold: Hold, user_id: str) -> str:
    """The id of the hold by which somebody who signed in goes on with what they held as a guest."""
    return _made("hld", hold, f"taken over by {user_id}")


def _made(prefix: str, hold: Hold, purpose: str, after: timedelta = timedelta()) -> str:
    # The hold's id cannot be guessed, so neither can these.
    told = sha256(f"{hold.hold_id} {purpose}".encode()).digest()
    return ids.make(prefix, hold.taken_at + after, told[: ids.RANDOM_BYTES])
