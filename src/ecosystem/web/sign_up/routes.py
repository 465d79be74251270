"""Signing up, and proving the address: by the mail's link anywhere, or by its code where one signed up."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get, post
from msgspec import Meta, Struct

from ecosystem.contexts.identity import Account, AlreadyConfirmed, SignUp, masked
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web import forms, session
from ecosystem.web.answers import Answer
from ecosystem.web.fields import Email, Id, Path, Verbatim
from ecosystem.web.templates import Toast, link
from ecosystem.web.visit import Visit

WAITING = "waiting"
"""The cookie of a browser that signed up and has not confirmed: the sign-up's id, and the address as it may be shown."""
WAITING_AGE_S = 86_400


class Wish(Struct, frozen=True, kw_only=True):
    user_id: Id
    name: Annotated[str, Meta(max_length=80)]
    email: Email
    password: Verbatim
    next: Path = "/"


class Code(Struct, frozen=True, kw_only=True):
    code: Annotated[str, Meta(pattern=r"^[0-9 ]{6,7}$", description="The six digits of the mail.")]
    next: Path = "/"


class Link(Struct, frozen=True, kw_only=True):
    token: Annotated[str, Meta(max_length=200)]


class Onward(Struct, frozen=True, kw_only=True):
    next: Path = "/"


@get("/sign-up")
async def show(request: Visit) -> Answer:
    """The form. It carries the id of the account to be, so that sending it twice makes one."""
    onward = request.query_of(Onward).asked.next
    fresh = mint("usr", request.at, request.kit.entropy)
    return request.page("sign_up/page.html", form=forms.blank(Wish, user_id=fresh, next=onward))


@post("/sign-up")
async def wish(request: Visit) -> Answer:
    """Keep the sign-up and mail the address. Known addresses are answered alike."""
    form = await request.form_of(Wish)
    try:
        asked = form.asked
        wanted = SignUp(
            user_id=asked.user_id, email=asked.email, password=asked.password, name=asked.name, zone=request.zone
        )
        await request.market.access.sign_up(wanted, session.origin(request.arrival, request.kit.jar))
    except Refusal as no:
        return request.again("sign_up/page.html", "sign_up/_form.html", form.refused(no))
    request.keep(WAITING, f"{asked.user_id}|{masked(asked.email)}|{asked.next}", max_age_s=WAITING_AGE_S)
    return request.redirect("/sign-up/code")


@get("/sign-up/code")
async def waiting(request: Visit) -> Answer:
    """Where to type the code of the mail."""
    user_id, address, onward = _waiting(request)
    if not user_id:
        return request.redirect("/sign-up")
    return request.page("sign_up/code.html", form=forms.blank(Code, next=onward), **_about(request, address))


@post("/sign-up/code")
async def prove(request: Visit) -> Answer:
    """Confirm the address by its code, and sign in: who typed both the password and the code is the one."""
    form = await request.form_of(Code)
    user_id, address, _ = _waiting(request)
    try:
        account = await request.market.identity.registrations.confirm_by_code(user_id, form.asked.code.replace(" ", ""))
    except AlreadyConfirmed as no:
        return request.redirect("/sign-in", toast=Toast(text=no.message))
    except Refusal as no:
        about = _about(request, address)
        return request.again("sign_up/code.html", "sign_up/_code.html", form.refused(no), **about)
    return await _welcome(request, account, form.asked.next)


@post("/sign-up/again")
async def mail_again(request: Visit) -> Answer:
    """Mail another code; the former one is void."""
    user_id, _, _ = _waiting(request)
    await request.market.access.mail_again(user_id, session.origin(request.arrival, request.kit.jar))
    return request.redirect("/sign-up/code", toast=Toast(text="We have sent another mail. The former code is void."))


@get("/confirm")
async def ask(request: Visit) -> Answer:
    """The mail's link. It waits for a press of the button: programs that look into mails follow links, too."""
    return request.page("sign_up/link.html", form=request.query_of(Link))


@post("/confirm")
async def confirm(request: Visit) -> Answer:
    """Confirm the address by the link; signed in at once in the browser that signed up."""
    form = await request.form_of(Link)
    try:
        account = await request.market.identity.registrations.confirm(form.asked.token)
    except AlreadyConfirmed as no:
        return request.redirect("/sign-in", toast=Toast(text=no.message))
    except Refusal as no:
        return request.again("sign_up/link.html", "sign_up/_link.html", form.refused(no))
    user_id, _, onward = _waiting(request)
    if user_id != account.user_id:
        return request.redirect("/sign-in", toast=Toast(text="Your address is confirmed. Sign in to go on."))
    return await _welcome(request, account, onward)


async def _welcome(request: Visit, account: Account, onward: str) -> Answer:
    origin = session.origin(request.arrival, request.kit.jar)
    session.begin(request, await request.market.identity.sessions.open(account, origin))
    request.drop(WAITING)
    return request.redirect(request.back(onward), toast=Toast(text=f"Welcome, {account.name}."))


def _waiting(request: Visit) -> tuple[str, str, str]:
    user_id, _, rest = request.cookie(WAITING).partition("|")
    address, _, onward = rest.partition("|")
    return user_id, address, onward or "/"


def _about(request: Visit, address: str) -> dict[str, Any]:
    return {"address": address, "delivered": request.market.notifications.delivered, "anew": link("/sign-up")}
