"""What an execution's values look like to those who may not see all of them.

Secrets are masked for everybody: a task's token is as good as the answer it waits for. What tells of a person is masked
for all but operators at their own desk. Both are found by the names of fields, and by the shape of what stands in texts,
so that a mail address is masked wherever somebody wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

MASK = "•••"
DEPTH_MAX = 60

SECRET = frozenset(
    """
    accountnumber apikey authorization cardnumber claimsecret clientsecret confirmationcode cookie cvc cvv guesttoken iban pan
    password passwordhash privatekey recoverycode refreshtoken routingnumber secret sessiontoken signature tasktoken token
    """.split()
)
"""Fields that hold secrets, in small letters and without signs between them, or several of them, with an s.

A name that ends so holds one too.
"""

_SECRET_ENDINGS = ("token", "secret", "password", "apikey", "signature")

PERSONAL = frozenset(
    """
    about address addressline attendee biography birthdate body cause city comment contact contactname customer
    customername dateofbirth displayname email emailaddress familyname firstname fullname givenname guest guestname ip
    ipaddress
    lastname latitude line1 line2 location longitude message mobile note notes payer payername phone phonenumber place
    postalcode postcode reason recipient street subject surname telephone text to town useragent username zip
    """.split()
)
"""Fields that tell of a person. `name` does where it stands beside another of them; elsewhere it names a thing."""

_TOKEN = re.compile(r"[A-Za-z0-9_=-]{32,}\.[0-9]{1,9}\.\S+")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_KEY = re.compile(r"\b(?:sk|rk|whsec)_[A-Za-z0-9_]{8,}")
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{160,}")
_IBAN = re.compile(r"(?<![0-9A-Za-z_])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z_])")
_GIVEN = re.compile(
    r"([?&#;](?:[A-Za-z0-9_.-]*(?:token|secret|sig|signature|password|code|key)s?|k)=)[^&\s#;\"'<>]+", re.IGNORECASE
)
_GUEST_LINK = re.compile(r"(/b/bkg_[0-9a-z]+/)[^\s/?#\"'<>]+")
_CARD = re.compile(r"(?<![0-9A-Za-z_])(?:[0-9][ -]?){13,19}(?![0-9A-Za-z_])")
_MAIL = re.compile(r"[^\s@<>\"'(),:;]{1,64}@[^\s@<>\"'(),:;]+\.[^\s@<>\"'(),:;.]{2,}")
_PHONE = re.compile(r"(?<![0-9A-Za-z_.:-])(?:\+|00)[1-9][0-9 ()./-]{6,18}[0-9](?![0-9A-Za-z_:])")
_NATIONAL = re.compile(
    r"(?<![0-9A-Za-z_.:#-])(?![0-9]{4}-[0-9]{2}-[0-9]{2})\(?[0-9]{2,9}\)?(?:[ /-]?[0-9]{2,9}){0,5}(?![0-9A-Za-z_:-]|\.[0-9])"
)
_DIGITS = range(9, 14)
"""How many digits a telephone number has that is written without its country."""

_SUSPECT = re.compile(
    r"[A-Za-z0-9+/_=-]{32}|eyJ|sk_|rk_|whsec_|(?:[0-9][ -]?){13}|[?&#;][^=\s]{1,60}=|/b/bkg_|[A-Z]{2}[0-9]{2}"
)
"""What a text has that any of the shapes of secrets is in: most have none of it."""
_SIGNS = re.compile(r"[^a-z0-9]")

Names = Callable[[str, Mapping[str, Any]], bool]


def unmasked(value: Any) -> Any:
    """The value as operators see it: without secrets."""
    return _masked(value, _is_secret, _without_secrets, DEPTH_MAX)


def masked(value: Any) -> Any:
    """The value as everybody else sees it: without secrets, and without what tells of people."""
    return _masked(
        value, lambda name, beside: _is_secret(name, beside) or _is_personal(name, beside), _masked_text, DEPTH_MAX
    )


def _masked(value: Any, hides: Names, text: Callable[[str], str], depth: int) -> Any:
    if isinstance(value, str):
        return text(value)
    if not depth:
        return MASK if isinstance(value, Mapping | Sequence) else value
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {
            name: _hidden(under) if hides(name, fields) else _masked(under, hides, text, depth - 1)
            for name, under in fields.items()
        }
    if isinstance(value, Sequence):
        return [_masked(each, hides, text, depth - 1) for each in cast("Sequence[Any]", value)]
    return value


def _hidden(value: Any) -> Any:
    """What stands in the place of a value: nothing stays nothing, so that a reader sees that there was none."""
    return value if value is None or value in ("", [], {}) or isinstance(value, bool) else MASK


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return _SIGNS.sub("", name.lower())


def _is_secret(name: str, _: Mapping[str, Any]) -> bool:
    plain = _plain(name)
    one = plain.removesuffix("s")
    return plain in SECRET or one in SECRET or one.endswith(_SECRET_ENDINGS)


def _is_personal(name: str, beside: Mapping[str, Any]) -> bool:
    plain = _plain(name)
    return plain in PERSONAL or (
        plain == "name" and any(_plain(other) in PERSONAL for other in beside if other != name)
    )


def _without_secrets(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    for shape in (_TOKEN, _JWT, _KEY, _LONG):
        text = shape.sub(MASK, text)
    text = _GUEST_LINK.sub(rf"\1{MASK}", _GIVEN.sub(rf"\1{MASK}", text))
    return _CARD.sub(_card, _IBAN.sub(_iban, text))


def _masked_text(text: str) -> str:
    shown = _without_secrets(text)
    if "@" in shown:
        shown = _MAIL.sub(MASK, shown)
    return _NATIONAL.sub(_telephone(shown), _PHONE.sub(MASK, shown))


def _telephone(text: str) -> Callable[[re.Match[str]], str]:
    """Masks what may be a telephone number within a sentence. A number that stands alone is one of many things."""

    def shown(found: re.Match[str]) -> str:
        alone = found[0].isdigit() and found[0] == text.strip()
        return MASK if sum(map(str.isdigit, found[0])) in _DIGITS and not alone else found[0]

    return shown


def _iban(found: re.Match[str]) -> str:
    """An account's number is masked (ISO 13616: the rest of all by 97 is one); what only looks so stays."""
    plain = found[0].replace(" ", "")
    return MASK if int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1 else found[0]


def _card(found: re.Match[str]) -> str:
    """A card's number is masked (ISO/IEC 7812: the last digit checks the others); other long numbers stay."""
    digits = [int(sign) for sign in found[0] if sign.isdigit()]
    checked = sum(digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4) for at, digit in enumerate(reversed(digits)))
    return MASK if checked % 10 == 0 else found[0]
