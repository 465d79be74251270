"""Who somebody is: signing up and in, sessions, second factors, profiles; and people as operators see them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ecosystem.api.plain import Paging, connection
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.contexts.identity import (
    Account,
    CodeWanted,
    EditProfile,
    Person,
    Profile,
    SessionView,
    SignedIn,
    SignIn,
    SignUp,
)
from ecosystem.kernel.actor import VISITOR, Group
from ecosystem.kernel.refusals import Denied

ROOTS = Roots()

Token = Annotated[str, Meta(max_length=4_096)]
Secret = Annotated[str, Meta(max_length=1_000)]
Code = Annotated[str, Meta(max_length=64)]
Email = Annotated[str, Meta(max_length=320)]
Words = Annotated[str, Meta(max_length=2_000)]


class SignInNeeded(Denied):
    """Sign in to go on."""


class OfUser(Struct, frozen=True, kw_only=True):
    user_id: str


class OfUserWhy(Struct, frozen=True, kw_only=True):
    user_id: str
    reason: Words


class Confirm(Struct, frozen=True, kw_only=True):
    token: Token


class ConfirmByCode(Struct, frozen=True, kw_only=True):
    user_id: str
    code: Code


class Enter(Struct, frozen=True, kw_only=True):
    """A sign-in, from a device that may have been here before."""

    email: Email
    password: Secret
    device_token: Token = ""


class Complete(Struct, frozen=True, kw_only=True):
    token: Token
    code: Code


class Refresh(Struct, frozen=True, kw_only=True):
    refresh_token: Token


class OfSession(Struct, frozen=True, kw_only=True):
    session_id: str


class AskReset(Struct, frozen=True, kw_only=True):
    email: Email


class Reset(Struct, frozen=True, kw_only=True):
    token: Token
    password: Secret


class ResetByCode(Struct, frozen=True, kw_only=True):
    email: Email
    code: Code
    password: Secret


class ChangePassword(Struct, frozen=True, kw_only=True):
    present: Secret
    password: Secret


class Proof(Struct, frozen=True, kw_only=True):
    password: Secret


class AppCode(Struct, frozen=True, kw_only=True):
    code: Code


class Disable(Struct, frozen=True, kw_only=True):
    password: Secret
    code: Code


class SetGroups(Struct, frozen=True, kw_only=True):
    user_id: str
    groups: tuple[Group, ...]


class Listed(Paging, frozen=True, kw_only=True):
    beginning: Annotated[str, Meta(max_length=320)] = ""


@ROOTS.query
async def me(ask: Ask) -> Plain | None:
    actor, identity = ask.actor, ask.market.identity
    if actor == VISITOR:
        return None
    told: Plain = {
        "actorId": actor.actor_id,
        "isGuest": actor.is_guest,
        "groups": actor.groups,
        "impersonatorId": actor.impersonator,
        "sessionId": ask.identified.session_id,
    }
    if actor.is_guest:
        return told
    if ask.wants("email"):
        told["email"] = (await identity.profiles.addressee(actor.actor_id)).email
    if ask.wants("profile"):
        told["profile"] = _profile(await identity.profiles.of(actor.actor_id, actor))
    if ask.wants("secondFactor"):
        told["secondFactor"] = await identity.second_factors.is_on(actor)
    if ask.wants("recoveryCodesLeft"):
        told["recoveryCodesLeft"] = await identity.second_factors.recovery_left(actor)
    if ask.wants("unreadNotices"):
        told["unreadNotices"] = await ask.market.notifications.board.unread(actor.actor_id, actor)
    return told


@ROOTS.query
async def sessions(ask: Ask) -> list[Plain]:
    user_of(ask)
    return [_session(each) for each in await ask.market.identity.sessions.sessions(ask.identified)]


@ROOTS.query
async def people(ask: Ask, request: Listed) -> Plain:
    found, after = await ask.market.identity.people.people(
        ask.actor, beginning=request.beginning, after=request.cursor, limit=request.limit
    )
    return connection([_person(each) for each in found], after)


@ROOTS.query
async def person(ask: Ask, request: OfUser) -> Plain:
    return _person(await ask.market.identity.people.person(request.user_id, ask.actor))


@ROOTS.mutation
async def sign_up(ask: Ask, request: SignUp) -> bool:
    await ask.market.access.sign_up(request, ask.origin)
    return True


@ROOTS.mutation
async def mail_confirmation_again(ask: Ask, request: OfUser) -> bool:
    await ask.market.access.mail_again(request.user_id, ask.origin)
    return True


@ROOTS.mutation
async def confirm_sign_up(ask: Ask, request: Confirm) -> Plain:
    return _confirmed(await ask.market.identity.registrations.confirm(request.token))


@ROOTS.mutation
async def confirm_sign_up_by_code(ask: Ask, request: ConfirmByCode) -> Plain:
    registrations = ask.market.identity.registrations
    return _confirmed(await registrations.confirm_by_code(request.user_id, request.code))


@ROOTS.mutation
async def sign_in(ask: Ask, request: Enter) -> Plain:
    origin = msgspec.structs.replace(ask.origin, device_token=request.device_token)
    wanted = SignIn(email=request.email, password=request.password)
    answer = await ask.market.identity.sign_ins.sign_in(wanted, origin)
    if isinstance(answer, CodeWanted):
        return {"codeWanted": {"token": answer.token, "expiresAt": answer.expires_at}}
    return {"signedIn": _signed_in(answer)}


@ROOTS.mutation
async def complete_sign_in(ask: Ask, request: Complete) -> Plain:
    return _signed_in(await ask.market.identity.sign_ins.complete(request.token, request.code, ask.origin))


@ROOTS.mutation
async def refresh(ask: Ask, request: Refresh) -> Plain:
    return _signed_in(await ask.market.identity.sessions.refresh(request.refresh_token, ask.origin))


@ROOTS.mutation
async def sign_out(ask: Ask) -> bool:
    user_of(ask)
    assert ask.identified.session_id is not None
    await ask.market.identity.sessions.revoke(ask.identified.session_id, ask.actor)
    return True


@ROOTS.mutation
async def sign_out_everywhere(ask: Ask) -> bool:
    user_of(ask)
    await ask.market.identity.sessions.sign_out_everywhere(ask.actor)
    return True


@ROOTS.mutation
async def revoke_session(ask: Ask, request: OfSession) -> bool:
    user_of(ask)
    await ask.market.identity.sessions.revoke(request.session_id, ask.actor)
    return True


@ROOTS.mutation
async def ask_reset(ask: Ask, request: AskReset) -> bool:
    await ask.market.access.ask_reset(request.email, ask.origin)
    return True


@ROOTS.mutation
async def reset_password(ask: Ask, request: Reset) -> bool:
    await ask.market.identity.passwords.reset(request.token, request.password)
    return True


@ROOTS.mutation
async def reset_password_by_code(ask: Ask, request: ResetByCode) -> bool:
    await ask.market.identity.passwords.reset_by_code(request.email, request.code, request.password)
    return True


@ROOTS.mutation
async def change_password(ask: Ask, request: ChangePassword) -> bool:
    user_of(ask)
    await ask.market.identity.passwords.change(request.present, request.password, ask.identified)
    return True


@ROOTS.mutation
async def enrol_second_factor(ask: Ask, request: Proof) -> Plain:
    user_of(ask)
    begun = await ask.market.identity.second_factors.enrol(request.password, ask.actor)
    return {"secret": begun.secret, "address": begun.address, "picture": begun.picture}


@ROOTS.mutation
async def enable_second_factor(ask: Ask, request: AppCode) -> list[str]:
    user_of(ask)
    return await ask.market.identity.second_factors.enable(request.code, ask.actor)


@ROOTS.mutation
async def disable_second_factor(ask: Ask, request: Disable) -> bool:
    user_of(ask)
    await ask.market.identity.second_factors.disable(request.password, request.code, ask.actor)
    return True


@ROOTS.mutation
async def renew_recovery_codes(ask: Ask, request: Proof) -> list[str]:
    user_of(ask)
    return await ask.market.identity.second_factors.renew_recovery(request.password, ask.actor)


@ROOTS.mutation
async def edit_profile(ask: Ask, request: EditProfile) -> Plain:
    return _profile(await ask.market.identity.profiles.edit(user_of(ask), request, ask.actor))


@ROOTS.mutation
async def welcome_guest(ask: Ask) -> Plain:
    welcomed = await ask.market.identity.guests.welcome(ask.origin)
    return {"guestId": welcomed.guest_id, "token": welcomed.token, "expiresAt": welcomed.expires_at}


@ROOTS.mutation
async def lock_person(ask: Ask, request: OfUserWhy) -> Plain:
    return _person(await ask.market.identity.people.lock(request.user_id, request.reason, ask.actor))


@ROOTS.mutation
async def unlock_person(ask: Ask, request: OfUser) -> Plain:
    return _person(await ask.market.identity.people.unlock(request.user_id, ask.actor))


@ROOTS.mutation
async def set_groups(ask: Ask, request: SetGroups) -> Plain:
    return _person(await ask.market.identity.people.set_groups(request.user_id, request.groups, ask.actor))


@ROOTS.mutation
async def act_as(ask: Ask, request: OfUserWhy) -> Plain:
    people = ask.market.identity.people
    return _signed_in(await people.act_as(request.user_id, request.reason, ask.origin, ask.actor))


def user_of(ask: Ask) -> str:
    """Who is signed in. Raises `SignInNeeded` for visitors and guests."""
    if not ask.actor.actor_id.startswith("usr_"):
        raise SignInNeeded
    return ask.actor.actor_id


def _signed_in(signed: SignedIn) -> Plain:
    return {
        "userId": signed.user_id,
        "sessionId": signed.session_id,
        "accessToken": signed.access_token,
        "idToken": signed.id_token,
        "refreshToken": signed.refresh_token,
        "deviceToken": signed.device_token,
        "expiresAt": signed.expires_at,
        "sessionExpiresAt": signed.session_expires_at,
    }


def _confirmed(account: Account) -> Plain:
    return {"userId": account.user_id, "email": account.email}


def _profile(profile: Profile) -> Plain:
    return {
        "userId": profile.user_id,
        "name": profile.name,
        "locale": profile.locale,
        "zone": profile.zone,
        "phone": profile.phone,
    }


def _session(view: SessionView) -> Plain:
    return {
        "sessionId": view.session_id,
        "device": view.device,
        "network": view.network,
        "signedInAt": view.signed_in_at,
        "usedAt": view.used_at,
        "expiresAt": view.expires_at,
        "current": view.current,
        "actedByOperator": view.acted_by_operator,
    }


def _person(known: Person) -> Plain:
    return {
        "userId": known.user_id,
        "email": known.email,
        "name": known.name,
        "groups": known.groups,
        "standing": known.standing,
        "lockReason": known.lock_reason,
        "secondFactor": known.second_factor,
        "createdAt": known.created_at,
    }
