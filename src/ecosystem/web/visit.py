"""A request for a page, with what a handler needs at hand: who asks, their form, and the ways to answer.

@post("/reviews")
async def write(request: Visit) -> Answer:
    form = await request.form_of(WriteReview)
    try:
        await request.market.reviews.write(form.asked, request.actor)
    except Refusal as no:
        return request.again("reviews/page.html", "reviews/_form.html", form.refused(no))
    return request.redirect("/reviews", toast=Toast(text="Thank you for your review."))
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from litestar import Request
from litestar.datastructures import State, UploadFile
from msgspec import Struct

from ecosystem.app import App
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.kernel.time import zone
from ecosystem.kernel.trace import trace_id
from ecosystem.web import csrf, forms
from ecosystem.web.answers import TOAST, TOAST_AGE_S, Answer, Drawn, drawn, elsewhere, is_local, packed, unpacked
from ecosystem.web.arrival import KEY, Arrival
from ecosystem.web.forms import Form
from ecosystem.web.kit import Kit
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Around, Person, Toast

T = TypeVar("T", bound=Struct)

KIT = "kit"
CSRF_AGE_S = 30 * 86_400
THEMES = frozenset({"light", "dark", "system"})
TOASTS = "components/_toasts.html"


class SignInNeeded(Denied):
    """Sign in to go on."""


class Visit(Request[Actor, Any, State]):
    """One request for a page."""

    @property
    def kit(self) -> Kit:
        return cast("Kit", self.scope["state"][KIT])

    @property
    def market(self) -> App:
        """The product."""
        return cast("App", self.app.state["market"])

    @property
    def arrival(self) -> Arrival:
        return cast("Arrival", self.scope["state"][KEY])

    @property
    def actor(self) -> Actor:
        return self.arrival.actor

    @property
    def person(self) -> Person | None:
        return self.arrival.person

    @property
    def user_id(self) -> str:
        """Who is signed in. Raises `SignInNeeded`, which leads a visitor to the sign-in page and back."""
        if not self.actor.actor_id.startswith("usr_"):
            raise SignInNeeded
        return self.actor.actor_id

    @property
    def at(self) -> datetime:
        return self.kit.clock.now()

    @property
    def zone(self) -> str:
        """The zone of the visitor's device, as its script said on an earlier page; else their profile's, else the site's."""
        said = self.arrival.cookies.get("zone", "") or (self.person.zone if self.person else "")
        try:
            return zone(said).key if said else self.kit.site.zone
        except Invalid:
            return self.kit.site.zone

    # What came in

    async def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the form that was posted, its token and files left out. Raises `Invalid`."""
        return [pair for pair in await self._posted() if pair[0] != csrf.FIELD]

    async def form_of(self, kind: type[T]) -> Form[T]:
        """The form that was posted. `.asked` is the request, or raises with every field that does not fit."""
        return forms.decode(kind, await self.pairs())

    def query_of(self, kind: type[T]) -> Form[T]:
        """The form in the address: filters, pages. Parameters it does not know are passed over."""
        known = kind.__struct_encode_fields__
        given = [pair for pair in forms.pairs(self.arrival.query.encode("latin-1")) if pair[0] in known]
        return forms.decode(kind, given)

    async def uploads(self, name: str) -> list[UploadFile]:
        """The files posted under that name."""
        posted = await self.form()
        return [value for value in posted.getall(name, []) if isinstance(value, UploadFile) and value.filename]

    async def check_csrf(self) -> None:
        """Pass if the form or htmx's header carries our token. Raises `csrf.Forged`."""
        token = self.arrival.headers.get(csrf.HEADER, "")
        if not token:
            token = dict(await self._posted()).get(csrf.FIELD, "")
        csrf.check(self.arrival.secret, token)

    async def _posted(self) -> list[tuple[str, str]]:
        kind, _ = self.content_type
        if kind == "multipart/form-data":
            return [(name, value) for name, value in (await self.form()).multi_items() if isinstance(value, str)]
        return forms.pairs(await self.body())

    # What goes out

    def page(self, template: str, *, status: int = 200, toast: Toast | None = None, **values: Any) -> Answer:
        """A whole page."""
        return self.draw(template, values, status=status, toast=toast).answer()

    def answer(
        self, template: str, fragment: str, *, status: int = 200, toast: Toast | None = None, **values: Any
    ) -> Answer:
        """The fragment if htmx asked for one, else the page, which includes that same fragment."""
        if self.arrival.wants_fragment:
            return self.fragment(fragment, status=status, toast=toast, **values)
        return self.page(template, status=status, toast=toast, **values)

    def fragment(
        self,
        template: str,
        *,
        status: int = 200,
        toast: Toast | None = None,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Answer:
        """A part of a page, with a toast beside it if there is something to say. `headers` may steer htmx."""
        around = self.around()
        text = self.kit.templates.render(template, around, values)
        if toast:
            text += self.kit.templates.render(TOASTS, around, {"toasts": (toast,)})
        said = tuple((headers or {}).items())
        return drawn(text, status=status, takes_gzip=self.arrival.takes_gzip, headers=said).answer()

    def again(self, template: str, fragment: str, form: Form[Any], **values: Any) -> Answer:
        """The form once more, with what was said against it beside its fields."""
        assert form.refusal is not None
        return self.answer(template, fragment, status=status_of(form.refusal), form=form, **values)

    def redirect(self, path: str, *, toast: Toast | None = None) -> Answer:
        """The way to another page of this site, which then shows the toast."""
        if toast:
            self.keep(TOAST, packed(toast), max_age_s=TOAST_AGE_S)
        return elsewhere(path, by_htmx=self.arrival.by_htmx).answer()

    def back(self, asked: str, *, otherwise: str = "/") -> str:
        """A path that the visitor came from, if it is one of ours."""
        return asked if asked and is_local(asked) else otherwise

    def keep(self, cookie: str, value: str, *, max_age_s: int) -> None:
        """Set a cookie with the answer, out of reach of scripts."""
        self.arrival.cookies_set.append(self.kit.jar.kept(cookie, value, max_age_s=max_age_s))

    def drop(self, cookie: str) -> None:
        self.arrival.cookies_set.append(self.kit.jar.dropped(cookie))

    def cookie(self, name: str) -> str:
        """The value of a cookie that `keep` set, or nothing."""
        return self.arrival.cookies.get(self.kit.jar.name(name), "")

    def renew_csrf(self) -> None:
        """Bind forms to the session that begins or ends here: tokens handed out before no longer hold."""
        self.arrival.secret = csrf.secret(self.kit.entropy)
        self.keep(csrf.FIELD, self.arrival.secret, max_age_s=CSRF_AGE_S)

    def draw(self, template: str, values: Mapping[str, Any], *, status: int, toast: Toast | None = None) -> Drawn:
        """A whole page, before any framework."""
        toasts = unpacked(self.cookie(TOAST))
        if toasts:
            self.drop(TOAST)
        around = self.around(toasts=(*toasts, toast) if toast else toasts)
        text = self.kit.templates.render(template, around, values)
        return drawn(text, status=status, takes_gzip=self.arrival.takes_gzip)

    def around(self, toasts: tuple[Toast, ...] = ()) -> Around:
        """What the templates may know of this visit."""
        arrival = self.arrival
        theme = arrival.cookies.get("theme", "")
        return Around(
            site=self.kit.site,
            words=self.kit.templates.words,
            now=self.at,
            zone=self.zone,
            theme=theme if theme in THEMES else "system",
            actor=arrival.actor,
            person=arrival.person,
            nonce=arrival.nonce,
            token=csrf.token(arrival.secret, self.kit.entropy) if arrival.secret else "",
            path=arrival.path,
            query=arrival.query,
            toasts=toasts,
            trace=trace_id.get(),
        )
