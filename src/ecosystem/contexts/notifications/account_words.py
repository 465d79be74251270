"""The words about a person's own account.

Facts: `expires_at`, `left`, `reason`, `brand`; of a bank account `account` (four digits of it) and `pays_from`. Mails to an address that is not proven yet say nothing that whoever
typed it could have written: otherwise strangers would have us mail their words.
"""

from __future__ import annotations

from ecosystem.contexts.notifications.kinds import Audience, Kind, Topic
from ecosystem.contexts.notifications.wording import Wording

_NOT_YOU = "If that was not you, reset your password now: it ends all sessions."

_PERSON: dict[Kind, Wording] = {
    Kind.BANK_ACCOUNT_ADDED: Wording(
        topic=Topic.ACCOUNT,
        subject="A bank account was added: {account}",
        title="A bank account was added, {name}",
        notice="{account} was added as your bank account.",
        paragraphs=("{account} was added as your bank account, and takes the place of one that was there before.",),
        asides=("Payouts to it begin at the earliest on {pays_from}.",),
        button="See bank account",
        notes=(_NOT_YOU, "Then remove the account and answer this mail."),
    ),
    Kind.BANK_ACCOUNT_VERIFIED: Wording(
        topic=Topic.ACCOUNT,
        subject="Your bank account is verified: {account}",
        title="Your bank account is verified, {name}",
        notice="{account} is verified.",
        paragraphs=("{account} is verified and can be used.",),
        asides=("Payouts to it begin at the earliest on {pays_from}.",),
        button="See bank account",
    ),
    Kind.BANK_ACCOUNT_REFUSED: Wording(
        topic=Topic.ACCOUNT,
        subject="Your bank account cannot be used: {account}",
        title="Your bank account cannot be used, {name}",
        notice="{account} cannot be used.",
        paragraphs=("{account} cannot be used.",),
        asides=("{reason}",),
        button="Add it again, or another",
    ),
    Kind.CONFIRM_ADDRESS: Wording(
        topic=Topic.ACCOUNT,
        subject="Confirm your e-mail address for {brand}",
        title="Confirm your e-mail address",
        paragraphs=("Open the link, or type this code where you signed up.",),
        button="Confirm address",
        notes=(
            "The link and the code are good once, until {expires_at}.",
            "If you did not sign up, do nothing: without this step there is no account.",
        ),
        confidential=True,
    ),
    Kind.SIGN_UP_ATTEMPTED: Wording(
        topic=Topic.ACCOUNT,
        subject="You have an account at {brand} already",
        title="You have an account already, {name}",
        paragraphs=(
            "Somebody, perhaps you, signed up with this address. It has an account already, so nothing was changed.",
        ),
        button="Sign in",
        notes=("If you forgot your password, reset it where you sign in. If it was not you, do nothing.",),
    ),
    Kind.RESET_PASSWORD: Wording(
        topic=Topic.ACCOUNT,
        subject="Reset your password for {brand}",
        title="Choose a new password, {name}",
        paragraphs=("Open the link, or type this code where you asked for it.",),
        button="Choose a password",
        notes=(
            "The link and the code are good once, until {expires_at}.",
            "If you did not ask for this, do nothing: your password stays as it is.",
        ),
        confidential=True,
    ),
    Kind.PASSWORD_CHANGED: Wording(
        topic=Topic.ACCOUNT,
        subject="Your password was changed",
        title="Your password was changed",
        notice="Your password was changed on {at}. All other sessions have ended.",
        paragraphs=("{at}", "All other sessions have ended."),
        button="See your sessions",
        notes=(_NOT_YOU,),
    ),
    Kind.SECOND_FACTOR_ENABLED: Wording(
        topic=Topic.ACCOUNT,
        subject="Signing in now asks for a code",
        title="A second step is on",
        notice="Signing in asks for a code of your authenticator app since {at}.",
        paragraphs=("{at}", "Signing in asks for a code of your authenticator app from now on."),
        button="See your security",
        notes=("Keep your recovery codes where you find them without your phone.", _NOT_YOU),
    ),
    Kind.SECOND_FACTOR_DISABLED: Wording(
        topic=Topic.ACCOUNT,
        subject="Signing in no longer asks for a code",
        title="The second step is off",
        notice="Signing in asks for your password alone since {at}.",
        paragraphs=("{at}", "Signing in asks for your password alone from now on."),
        button="See your security",
        notes=(_NOT_YOU,),
    ),
    Kind.RECOVERY_CODE_USED: Wording(
        topic=Topic.ACCOUNT,
        subject="A recovery code was used",
        title="A recovery code was used",
        notice="A recovery code was used to sign in on {at}. You have {left} left.",
        paragraphs=("{at}", "Somebody signed in with your password and a recovery code. You have {left} left."),
        button="See your security",
        notes=(_NOT_YOU,),
    ),
    Kind.SESSION_COPIED: Wording(
        topic=Topic.ACCOUNT,
        subject="We ended one of your sessions",
        title="We ended one of your sessions",
        notice="A session was used from two places, so we ended it on {at}. Sign in again.",
        paragraphs=("{at}", "A session was used from two places at once, as if it had been copied. We ended it."),
        button="See your sessions",
        notes=("Sign in again to go on.", _NOT_YOU),
    ),
    Kind.ACCOUNT_LOCKED: Wording(
        topic=Topic.ACCOUNT,
        subject="Your account at {brand} is locked",
        title="Your account is locked",
        paragraphs=("We have locked your account. You cannot sign in until it is opened again.",),
        notes=("If you think this is a mistake, answer this mail.",),
    ),
    Kind.ACCOUNT_UNLOCKED: Wording(
        topic=Topic.ACCOUNT,
        subject="Your account at {brand} is open again",
        title="Your account is open again, {name}",
        notice="Your account is open again.",
        paragraphs=("You can sign in as before.",),
        button="Sign in",
    ),
}

WORDS: dict[tuple[Kind, Audience], Wording] = {(kind, Audience.PERSON): wording for kind, wording in _PERSON.items()}
