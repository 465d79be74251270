"""Identity's corner of the table."""

from __future__ import annotations

from datetime import datetime

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Key

PEOPLE = "PEOPLE"
"""Access (status index): every account, the oldest first."""

OPERATORS = "OPERATORS"
"""Access (customer index): the accounts of those who run the marketplace, by id."""

ADDRESSES = "ADDRESSES"
"""Access (slug index): accounts by the beginning of their e-mail address."""


def user_partition(user_id: str) -> str:
    """Access: everything of one person; the timeline of an account."""
    return f"USER#{user_id}"


def account_key(user_id: str) -> Key:
    """Access: one account by id; read by every request that carries a token."""
    return Key(user_partition(user_id), "ACCOUNT")


def profile_key(user_id: str) -> Key:
    """Access: one person's profile."""
    return Key(user_partition(user_id), "PROFILE")


def password_key(user_id: str) -> Key:
    """Access: the hash of one person's password, at sign-in."""
    return Key(user_partition(user_id), "CREDENTIAL#PASSWORD")


def second_factor_key(user_id: str) -> Key:
    """Access: one person's authenticator and recovery codes, at sign-in."""
    return Key(user_partition(user_id), "CREDENTIAL#TOTP")


def reset_key(user_id: str) -> Key:
    """Access: the one reset of a password that is under way."""
    return Key(user_partition(user_id), "RESET")


def session_key(user_id: str, session_id: str) -> Key:
    """Access: one session by id; all sessions of a person by the prefix `SESSION#`."""
    return Key(user_partition(user_id), f"SESSION#{session_id}")


def session_timeline(session_id: str) -> str:
    """Access: the events of one session."""
    return f"SESSION#{session_id}"


def address_key(address: str) -> Key:
    """Access: whose e-mail address this is. The item makes the address unique."""
    return Key(f"EMAIL#{address}", "OWNER")


def registration_key(user_id: str) -> Key:
    """Access: a sign-up that waits for its confirmation, by the id the account will have."""
    return Key(f"REGISTRATION#{user_id}", "METADATA")


def throttle_key(scope: str, subject: str, window_at: datetime) -> Key:
    """Access: the attempts of one subject (a keyed digest, never an address itself) in one window of time."""
    return Key(f"THROTTLE#{scope}#{subject}", sortable(window_at))


def first_operator_key() -> Key:
    """Access: the one-time link that makes the first operator, or that it was used."""
    return Key("IDENTITY", "FIRST_OPERATOR")


def people_place(created_at: datetime, user_id: str) -> Key:
    """Where an account stands among all people, in the order in which they came."""
    return Key(PEOPLE, f"{sortable(created_at)}#{user_id}")


def operators_place(user_id: str) -> Key:
    """Where an account stands among those who run the marketplace."""
    return Key(OPERATORS, user_id)


def addresses_place(address: str, user_id: str) -> Key:
    """Where an account stands among all e-mail addresses."""
    return Key(ADDRESSES, f"{address}#{user_id}")
