"""Who somebody is, how they prove it, and what they may do."""

from ecosystem.contexts.identity.accounts import (
    Account,
    AccountLocked,
    AddressTaken,
    NoSuchPerson,
    NotForImpersonators,
    Standing,
    UserId,
)
from ecosystem.contexts.identity.addresses import NotAnAddress, masked, normalised
from ecosystem.contexts.identity.events import (
    ActedAs,
    GroupsChanged,
    PasswordChanged,
    ProfileChanged,
    RecoveryCodeUsed,
    RefreshReused,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SignedOutEverywhere,
    UserConfirmed,
    UserLocked,
    UserUnlocked,
)
from ecosystem.contexts.identity.first_operator import FirstOperators
from ecosystem.contexts.identity.guests import GuestId, GuestPass, Guests
from ecosystem.contexts.identity.identity import Identity
from ecosystem.contexts.identity.mailed_secrets import LinkRefused, Mailed
from ecosystem.contexts.identity.origins import Origin
from ecosystem.contexts.identity.password_rules import WeakPassword, check_password
from ecosystem.contexts.identity.passwords import PasswordChanges, ResetMail, WrongPassword
from ecosystem.contexts.identity.people import Admission, NotAnotherOperator, NotYourself, People, Person
from ecosystem.contexts.identity.post_confirmation import PostConfirmation
from ecosystem.contexts.identity.profiles import Addressee, EditProfile, Profile, Profiles
from ecosystem.contexts.identity.registrations import (
    AlreadyConfirmed,
    Invitation,
    Prepared,
    RegistrationGone,
    Registrations,
    SignUp,
)
from ecosystem.contexts.identity.second_factors import (
    AlreadyEnabled,
    CodeRefused,
    Enrolment,
    NotEnabled,
    SecondFactors,
)
from ecosystem.contexts.identity.sessions import (
    Identified,
    NoSuchSession,
    Session,
    SessionEnded,
    SessionId,
    Sessions,
    SessionView,
    SignedIn,
)
from ecosystem.contexts.identity.sign_ins import CodeWanted, SignIn, SignInRefused, SignIns
from ecosystem.contexts.identity.throttles import Limit, Limits, TooManyAttempts

__all__ = [
    "Account",
    "AccountLocked",
    "ActedAs",
    "AddressTaken",
    "Addressee",
    "Admission",
    "AlreadyConfirmed",
    "AlreadyEnabled",
    "CodeRefused",
    "CodeWanted",
    "EditProfile",
    "Enrolment",
    "FirstOperators",
    "GroupsChanged",
    "GuestId",
    "GuestPass",
    "Guests",
    "Identified",
    "Identity",
    "Invitation",
    "Limit",
    "Limits",
    "LinkRefused",
    "Mailed",
    "NoSuchPerson",
    "NoSuchSession",
    "NotAnAddress",
    "NotAnotherOperator",
    "NotEnabled",
    "NotForImpersonators",
    "NotYourself",
    "Origin",
    "PasswordChanged",
    "PasswordChanges",
    "People",
    "Person",
    "PostConfirmation",
    "Prepared",
    "Profile",
    "ProfileChanged",
    "Profiles",
    "RecoveryCodeUsed",
    "RefreshReused",
    "RegistrationGone",
    "Registrations",
    "ResetMail",
    "SecondFactorDisabled",
    "SecondFactorEnabled",
    "SecondFactors",
    "Session",
    "SessionEnded",
    "SessionId",
    "SessionView",
    "Sessions",
    "SignIn",
    "SignInRefused",
    "SignIns",
    "SignUp",
    "SignedIn",
    "SignedOutEverywhere",
    "Standing",
    "TooManyAttempts",
    "UserConfirmed",
    "UserId",
    "UserLocked",
    "UserUnlocked",
    "WeakPassword",
    "WrongPassword",
    "check_password",
    "masked",
    "normalised",
]
