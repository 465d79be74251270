from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contexts.notifications.samples import ANA, BRAND, FACTS, GUEST, NOON, message
from ecosystem.adapters.outside.press import MjmlPress
from ecosystem.contexts.notifications import Audience, FactMissing, Kind, NothingToSay, PriceLine, Recipient, Topic
from ecosystem.contexts.notifications.letters import mail_of, written
from ecosystem.contexts.notifications.messages import WORDS, composed
from ecosystem.contexts.notifications.wording import places
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.mail import HTML_SIZE_MAX, Mail

PRESS = MjmlPress()


def mailed(said: object) -> Mail:
    put = written(said, composed(said, BRAND), delivered=True)  # type: ignore[arg-type]
    assert put
    return mail_of(put.value, PRESS)  # type: ignore[arg-type]


def test_a_confirmation_reads_as_people_speak() -> None:
    said = composed(message(), BRAND)

    assert said.sheet.subject == "You are booked: Warm documentary portraits, Thursday 26 November"
    assert said.title == "You are booked, Ana"
    assert said.sheet.paragraphs[:2] == (
        "Warm documentary portraits with Inês Carvalho",
        "Thursday 26 November, 16:10 to 17:10 (Lisbon time)",
    )
    assert [(line.label, line.value, line.strong) for line in said.sheet.lines] == [
        ("Price", "€55.00", False),
        ("Service fee", "€4.40", False),
        ("Total", "€59.40", True),
    ]
    assert said.notice == (
        "Warm documentary portraits with Inês Carvalho on Thursday 26 November, 16:10 to 17:10 (Lisbon time)"
        " is confirmed."
    )


def test_each_recipient_reads_their_own_clock() -> None:
    assert "16:10 to 17:10 (Lisbon time)" in composed(message(), BRAND).notice
    assert "11:10 to 12:10 (New York time)" in composed(message(recipient=GUEST), BRAND).notice


@pytest.mark.parametrize(("kind", "audience"), sorted(WORDS))
def test_every_kind_prints_whole_from_its_facts(kind: Kind, audience: Audience) -> None:
    said = message(kind, audience, code="042917" if audience is Audience.PERSON else "")

    mail = mailed(said)
    texts = composed(said, BRAND)

    assert mail.subject
    assert texts.title in mail.text
    assert all(paragraph in mail.text for paragraph in texts.sheet.paragraphs)
    assert "{" not in mail.text + mail.subject + texts.notice
    assert "None" not in mail.text
    assert len(mail.subject) <= 120
    assert len(mail.html.encode()) < HTML_SIZE_MAX


@pytest.mark.parametrize(("kind", "audience"), sorted(WORDS))
def test_every_kind_stays_small_with_the_longest_facts(kind: Kind, audience: Audience) -> None:
    long = {name: value if not isinstance(value, str) else "Ë<&" * 1000 for name, value in FACTS.items()}
    lines = tuple(PriceLine(label=f"Line {n}", amount=Money(10**15, "KWD")) for n in range(30))

    mail = mailed(message(kind, audience, facts=long, lines=lines))

    assert len(mail.html.encode()) < HTML_SIZE_MAX
    assert "\n" not in mail.subject


@pytest.mark.parametrize(("kind", "audience"), sorted(WORDS))
def test_every_kind_says_which_facts_it_needs(kind: Kind, audience: Audience) -> None:
    wording = WORDS[kind, audience]
    needed = set().union(*map(places, (wording.subject, wording.title, wording.notice, *wording.paragraphs)))
    derived = {"name", "brand", "at"} | {f"{name}_day" for name in FACTS}

    for name in needed - derived:
        with pytest.raises(FactMissing):
            composed(message(kind, audience, facts={k: v for k, v in FACTS.items() if k != name}), BRAND)


def test_what_may_be_unknown_is_left_out() -> None:
    some = {name: FACTS[name] for name in ("service", "provider", "when", "by")}

    said = composed(message(Kind.BOOKING_CANCELLED, facts={**some, "reason": "  \n "}), BRAND)

    assert said.sheet.paragraphs[-1] == "It was cancelled by the provider."


def test_nobody_is_told_that_they_get_nothing_back() -> None:
    said = composed(message(Kind.BOOKING_CANCELLED, facts={**FACTS, "refund": Money(0, "EUR")}), BRAND)
    earned = composed(message(Kind.SHARE_RELEASED, Audience.PROVIDER, facts={**FACTS, "share": Money(0, "EUR")}), BRAND)

    assert "€0.00" not in "".join(said.sheet.paragraphs)
    assert earned.title == "You earned €0.00"


def test_news_in_the_product_are_told_of_everything_but_secrets() -> None:
    silent = {kind for (kind, _), wording in WORDS.items() if not wording.notice}

    assert silent == {Kind.CONFIRM_ADDRESS, Kind.SIGN_UP_ATTEMPTED, Kind.RESET_PASSWORD, Kind.ACCOUNT_LOCKED}
    confidential = {kind for (kind, _), wording in WORDS.items() if wording.confidential}
    assert confidential == {Kind.CONFIRM_ADDRESS, Kind.RESET_PASSWORD}


def test_mails_to_an_unproven_address_repeat_nothing_a_stranger_typed() -> None:
    wording = WORDS[Kind.CONFIRM_ADDRESS, Audience.PERSON]

    everything = (wording.subject, wording.title, *wording.paragraphs, *wording.asides, *wording.notes)
    assert set().union(*map(places, everything)) <= {"brand", "expires_at"}


def test_every_kind_has_an_audience_and_protects_accounts_always() -> None:
    assert {kind for kind, _ in WORDS} == set(Kind)
    assert all(
        wording.topic is Topic.ACCOUNT for (_, audience), wording in WORDS.items() if audience is Audience.PERSON
    )


def test_an_audience_that_is_not_told_is_refused() -> None:
    with pytest.raises(NothingToSay):
        composed(message(Kind.REFUND_ISSUED, Audience.PROVIDER), BRAND)


def test_a_braced_fact_is_not_a_place() -> None:
    said = composed(message(facts={**FACTS, "service": "{provider.__class__} {0} {"}), BRAND)

    assert said.sheet.paragraphs[0] == "{provider.__class__} {0} { with Inês Carvalho"


@given(st.text(max_size=700))
def test_any_words_stay_in_one_line_of_the_subject(words: str) -> None:
    assume("".join(sign for sign in words if sign.isprintable()).strip())

    subject = composed(message(facts={**FACTS, "service": words}), BRAND).sheet.subject

    assert subject.isprintable()
    assert len(subject) < 600


def test_somebody_without_a_name_is_called_by_their_address() -> None:
    said = composed(message(recipient=Recipient(email="gus.m@example.com", name="")), BRAND)

    assert said.title == "You are booked, gus.m"


def test_a_recipient_can_be_reached() -> None:
    with pytest.raises(Invalid):
        Recipient(name="Nobody")


def test_ids_tell_events_people_and_kinds_apart() -> None:
    told = [
        message(),
        message(event_id="BOOKING#bkg_1:3:BookingConfirmed"),
        message(recipient=GUEST),
        message(Kind.BOOKING_CANCELLED),
        message(audience=Audience.PROVIDER),
    ]

    assert len({one.id("ntc") for one in told}) == len(told)
    assert message().id("ntc") == message().id("ntc")
    assert message().id("ntc")[4:] != message().id("mal")[4:]
    assert message(at=NOON - timedelta(seconds=1)).id("ntc") < message().id("ntc")
    assert message(recipient=ANA).id("mal").startswith("mal_")
