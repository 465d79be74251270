"""A person's own account: how they are called, how they sign in, where they are signed in, and what they are mailed."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.identity import EditProfile, Identified, SessionId
from ecosystem.contexts.notifications import Topic
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Refusal
from ecosystem.web import forms, session
from ecosystem.web.answers import Answer
from ecosystem.web.fields import Verbatim
from ecosystem.web.formats import zone_label
from ecosystem.web.forms import Form
from ecosystem.web.service.booker import PLACES
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

TOPICS = (
    (Topic.BOOKINGS, "Bookings", "Requests, confirmations, changes, reminders."),
    (Topic.MONEY, "Money", "Payments, refunds and payouts."),
)
OPERATIONS = (Topic.OPERATIONS, "Running the marketplace", "Refunds that fail, and what else needs an operator.")


class Profile(Struct, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=80)]
    zone: Annotated[str, Meta(max_length=60)]
    phone: Annotated[str, Meta(max_length=30)] = ""


class Mails(Struct, frozen=True, kw_only=True):
    mail: list[Topic] = []


class NewPassword(Struct, frozen=True, kw_only=True):
    password: Verbatim
    new: Verbatim


class Proof(Struct, frozen=True, kw_only=True):
    password: Verbatim


class AppCode(Struct, frozen=True, kw_only=True):
    code: Annotated[str, Meta(max_length=60)]


class Disable(Struct, frozen=True, kw_only=True):
    password: Verbatim
    code: Annotated[str, Meta(max_length=60)]


@get("/account")
async def show(request: Visit) -> Answer:
    """Name, clock, telephone; and which mails are wanted."""
    user_id = request.user_id
    profile = await request.market.identity.profiles.of(user_id, request.actor)
    form = forms.blank(Profile, name=profile.name, zone=profile.zone, phone=profile.phone)
    return request.page("account/page.html", form=form, **await _mails(request), **_zones(request, profile.zone))


@post("/account")
async def edit(request: Visit) -> Answer:
    """The profile as it was typed."""
    user_id = request.user_id
    form = await request.form_of(Profile)
    try:
        asked = form.asked
        wanted = EditProfile(name=asked.name, zone=asked.zone, phone=asked.phone)
        await request.market.identity.profiles.edit(user_id, wanted, request.actor)
    except Refusal as no:
        around = await _mails(request) | _zones(request, form.text("zone"))
        return request.again("account/page.html", "account/_profile.html", form.refused(no), **around)
    return request.redirect("/account", toast=Toast(text="Saved."))


@post("/account/mails")
async def choose_mails(request: Visit) -> Answer:
    """Which topics are mailed. What protects the account always is."""
    user_id = request.user_id
    wanted = (await request.form_of(Mails)).asked.mail
    without = [topic for topic, _, _ in _topics(request) if topic not in wanted]
    await request.market.notifications.preferences.set(user_id, without, request.actor)
    return request.redirect("/account", toast=Toast(text="Saved."))


@get("/account/security")
async def security(request: Visit) -> Answer:
    """Password, second step, sessions."""
    return request.page("account/security.html", **await _security(request))


@post("/account/password")
async def change_password(request: Visit) -> Answer:
    """Another password; all other sessions end."""
    form = await request.form_of(NewPassword)
    try:
        asked = form.asked
        await request.market.identity.passwords.change(asked.password, asked.new, _identified(request))
    except Refusal as no:
        # The new password's faults are told under `password`, too: they belong beside the new one.
        field = "password" if no.name == "WrongPassword" else "new"
        around = await _security(request, password=form.refused(no, password=field))
        return request.again("account/security.html", "account/_password.html", around["password"], **around)
    toast = Toast(text="Your password is changed. All other sessions have ended.")
    return request.redirect("/account/security", toast=toast)


@post("/account/second-step/begin")
async def begin_second_step(request: Visit) -> Answer:
    """The secret for an authenticator app, as a picture to scan and as text; it counts once a code has proved it."""
    form = await request.form_of(Proof)
    try:
        enrolment = await request.market.identity.second_factors.enrol(form.asked.password, _person(request))
    except Refusal as no:
        around = await _security(request, proof=form.refused(no))
        return request.again("account/security.html", "account/_second_step.html", around["proof"], **around)
    return request.page("account/enrol.html", form=forms.blank(AppCode), enrolment=enrolment)


@post("/account/second-step/enable")
async def enable_second_step(request: Visit) -> Answer:
    """The recovery codes, shown this once."""
    form = await request.form_of(AppCode)
    try:
        codes = await request.market.identity.second_factors.enable(form.asked.code, _person(request))
    except Refusal as no:
        return request.again("account/enrol.html", "account/_enrol.html", form.refused(no), enrolment=None)
    return request.page("account/codes.html", codes=codes)


@post("/account/second-step/codes")
async def renew_codes(request: Visit) -> Answer:
    """Ten new recovery codes; the former ones are void."""
    form = await request.form_of(Proof)
    try:
        codes = await request.market.identity.second_factors.renew_recovery(form.asked.password, _person(request))
    except Refusal as no:
        around = await _security(request, proof=form.refused(no))
        return request.again("account/security.html", "account/_second_step.html", around["proof"], **around)
    return request.page("account/codes.html", codes=codes)


@post("/account/second-step/disable")
async def disable_second_step(request: Visit) -> Answer:
    """The password alone from now on."""
    form = await request.form_of(Disable)
    try:
        asked = form.asked
        await request.market.identity.second_factors.disable(asked.password, asked.code, _person(request))
    except Refusal as no:
        around = await _security(request, disabling=form.refused(no))
        return request.again("account/security.html", "account/_second_step.html", around["disabling"], **around)
    return request.redirect("/account/security", toast=Toast(text="Signing in asks for your password alone again."))


@post("/account/sessions/{session_id:str}/end")
async def end_session(request: Visit, session_id: FromPath[str]) -> Answer:
    """End one session; this one is signing out."""
    await request.market.identity.sessions.revoke(session_id, _person(request))
    if session_id == request.arrival.session:
        session.end(request)
        return request.redirect("/", toast=Toast(text="You are signed out."))
    return request.redirect("/account/security", toast=Toast(text="That session has ended."))


@post("/account/sessions/end-all")
async def end_all_sessions(request: Visit) -> Answer:
    """Sign out everywhere, here too."""
    await request.market.identity.sessions.sign_out_everywhere(_person(request))
    session.end(request)
    return request.redirect("/sign-in", toast=Toast(text="All sessions have ended."))


def _person(request: Visit) -> Actor:
    """Who is signed in. Raises `SignInNeeded`."""
    assert request.user_id
    return request.actor


def _identified(request: Visit) -> Identified:
    return Identified(actor=_person(request), session_id=SessionId(request.arrival.session))


async def _mails(request: Visit) -> dict[str, Any]:
    kept = await request.market.notifications.preferences.of(request.user_id, request.actor)
    return {
        "topics": _topics(request),
        "mails": forms.blank(Mails, mail=[topic for topic, _, _ in _topics(request) if kept.mailed(topic)]),
    }


def _topics(request: Visit) -> tuple[tuple[Topic, str, str], ...]:
    """What the visitor may choose about: an operator about the marketplace, too."""
    return (*TOPICS, OPERATIONS) if request.actor.is_operator else TOPICS


def _zones(request: Visit, present: str) -> dict[str, Any]:
    names = dict.fromkeys([present, request.zone, *PLACES, "UTC"])
    return {"zones": [(name, zone_label(name, request.at)) for name in sorted(name for name in names if name)]}


async def _security(request: Visit, **refused: Form[Any]) -> dict[str, Any]:
    """What the page of sign-in matters shows; `refused` are forms with what was said against them."""
    identity, actor = request.market.identity, _person(request)
    left = await identity.second_factors.recovery_left(actor)
    return {
        "sessions": await identity.sessions.sessions(_identified(request)),
        "recovery_left": left,
        "has_second_step": await identity.second_factors.is_on(actor),
        "password": forms.blank(NewPassword),
        "proof": forms.blank(Proof),
        "disabling": forms.blank(Disable),
        **refused,
    }
