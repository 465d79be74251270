"""The market's own executions under kills: a child carries two hundred of them, is sent SIGKILL, and begun again.

    python -m bench.market_crash [--kills 100] [--seed 1]

A round is some eighty stories by seed (paid, left, given back, challenged, called off, asked for, disputed in every way)
and twenty new providers, over ten days of virtual time, through the real card processor, which runs in the parent and
outlives every child. Time stands in a file that both read, and moves on only when nothing is left to do; people's acts
are done again when nobody knows whether they were done. At the end each execution must have ended once, in the state
that a life without kills comes to, as must holds, bookings, payments, refunds and disputes; the processor's own log must
have each effect as often as that life; and the books must hold.
"""

from __future__ import annotations

import argparse
import asyncio
import mmap
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from struct import Struct as Layout
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace as with_fields
from tests.market import OPERATOR, OWNER, SYSTEM, Market, market, over, sandbox_in

from bench.rows import Row
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import Booking, CancelBooking, Contact, Hold, TakeHold
from ecosystem.contexts.disputes import Answer, AnswerDispute, DecideDispute, Dispute, OpenDispute
from ecosystem.contexts.identity import Admission
from ecosystem.contexts.payments import Payment, Refund
from ecosystem.journeys.checkout import PayForHold
from ecosystem.journeys.executions import AnswerTask
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.ids import RANDOM_BYTES, make
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.workflows import Execution
from ecosystem.sandbox import Keys, Sandbox

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIFE = timedelta(days=10)
PRICE = Money(10_000, "EUR")
ROUND_S_MAX = 600
STORIES, PROVIDERS = 80, 20
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ENDINGS = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})
KINDS = (
    *["paid"] * 3,
    "left",
    "given back",
    "challenged",
    "two cards",
    *["called off"] * 3,
    *["asked: accepted", "asked: left", "asked: declined"],
    *["disputed: unanswered", "disputed: accepted", "disputed: small", "disputed: offer taken"],
    *["disputed: offer lapses", "disputed: task accepted", "disputed: task rejected", "disputed: decided"],
    *["disputed: undecided", "disputed: withdrawn"],
)
_layout = Layout("<q")


class SharedClock(VirtualClock):
    """A clock that stands in a file, so that it outlives whoever moves it."""

    def __init__(self, path: Path) -> None:
        super().__init__(BEGIN)
        if not path.exists():
            path.write_bytes(_layout.pack(0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _layout.size)

    def now(self) -> datetime:
        return BEGIN + timedelta(microseconds=_layout.unpack(self._memory[:])[0])

    def advance(self, by: timedelta) -> None:
        passed = self.now() + by - BEGIN
        self._memory[:] = _layout.pack(passed // timedelta(microseconds=1))


class Story(Struct, frozen=True, kw_only=True):
    """One customer's story with one provider. Ids are given, so that each act may be repeated."""

    kind: str
    customer_id: str
    service_id: str
    start_at: datetime
    hold_id: str
    booking_id: str
    payment_ids: tuple[str, str]
    dispute_id: str

    @property
    def customer(self) -> Actor:
        return Actor(actor_id=self.customer_id, groups=(Group.CUSTOMERS,))


Deed = Callable[[Market, Story], Awaitable[object]]


class Stage(Struct, frozen=True, kw_only=True):
    """What was there before the first act."""

    instant: Sequence[str]
    on_request: Sequence[str]


# What people do. Each may be done again.


async def hold(shop: Market, story: Story) -> Hold:
    request = TakeHold(
        hold_id=story.hold_id, service_id=story.service_id, start_at=story.start_at, zone="Europe/Lisbon"
    )
    return await shop.app.checkout.hold(request, story.customer)


async def pay(shop: Market, story: Story, card: str = "pm_card_visa", attempt: int = 0) -> None:
    request = PayForHold(
        booking_id=story.booking_id,
        payment_id=story.payment_ids[attempt],
        hold_id=story.hold_id,
        contact=Contact(name="Ada Lovelace", email="ada@example.org"),
        total=PRICE,
        card=card,
        return_url="http://127.0.0.1/bookings",
    )
    await shop.app.checkout.pay(request, story.customer)


async def challenged(shop: Market, story: Story) -> None:
    await pay(shop, story, "pm_card_authenticationRequired")


async def declined(shop: Market, story: Story) -> None:
    await pay(shop, story, "pm_card_chargeDeclined")


async def another_card(shop: Market, story: Story) -> None:
    await pay(shop, story, attempt=1)


async def release(shop: Market, story: Story) -> None:
    await shop.app.holds.release(story.hold_id, story.customer)


async def cancel(shop: Market, story: Story) -> None:
    await shop.app.closing.cancel(CancelBooking(booking_id=story.booking_id), story.customer)


async def accept(shop: Market, story: Story) -> None:
    await shop.app.acceptance.accept(story.booking_id, OWNER)


async def decline(shop: Market, story: Story) -> None:
    await shop.app.closing.decline(story.booking_id, "Not this week", OWNER)


async def dispute(shop: Market, story: Story) -> None:
    wanted = Money(2_000 if story.kind == "disputed: small" else 6_000, "EUR")
    request = OpenDispute(dispute_id=story.dispute_id, booking_id=story.booking_id, text="Half.", wanted=wanted)
    await shop.app.disputing.open(request, story.customer)


async def answer(shop: Market, story: Story) -> None:
    said = {"disputed: accepted": Answer.ACCEPTED}.get(story.kind, Answer.CONTESTED)
    said = Answer.OFFERED if "offer" in story.kind else said
    request = AnswerDispute(
        booking_id=story.booking_id,
        dispute_id=story.dispute_id,
        answer=said,
        text="All was there.",
        offered=Money(1_000, "EUR") if said is Answer.OFFERED else None,
    )
    await shop.app.disputing.answer(request, OWNER)


async def take_offer(shop: Market, story: Story) -> None:
    await shop.app.disputing.accept_offer(story.booking_id, story.dispute_id, story.customer)


async def withdraw(shop: Market, story: Story) -> None:
    await shop.app.disputing.withdraw(story.booking_id, story.dispute_id, story.customer)


async def decide(shop: Market, story: Story) -> None:
    request = DecideDispute(
        booking_id=story.booking_id, dispute_id=story.dispute_id, refund=Money(2_500, "EUR"), reason="A quarter."
    )
    await shop.app.disputing.decide(request, OPERATOR)


async def answer_task(shop: Market, story: Story) -> None:
    execution_id = f"ecosystem-dispute-resolution:{story.dispute_id}"
    for task in (await shop.app.executions.whole(execution_id, OPERATOR)).tasks:
        request = AnswerTask(
            execution_id=execution_id,
            task_id=task.task_id,
            accepted=story.kind == "disputed: task accepted",
            reason="As the pictures show.",
        )
        await shop.app.executions.answer(request, OPERATOR)


def deeds(story: Story, first: datetime) -> Iterator[tuple[datetime, Deed]]:
    """What people do in a story, and when."""
    paying, begun = first + timedelta(seconds=20), story.start_at + 30 * MINUTE
    yield first, hold
    match story.kind.partition(": "):
        case ("left", _, _):
            return
        case ("given back", _, _):
            yield paying, release
        case ("challenged", _, _):
            yield paying, challenged
        case ("two cards", _, _):
            yield paying, declined
            yield paying + MINUTE, another_card
        case ("called off", _, _):
            yield paying, pay
            yield paying + HOUR, cancel
        case ("asked", _, then):
            yield paying, pay
            if then != "left":
                yield paying + HOUR, accept if then == "accepted" else decline
        case ("disputed", _, then):
            yield paying, pay
            yield begun, dispute
            if then == "withdrawn":
                yield begun + HOUR, withdraw
            elif then != "unanswered":
                yield begun + HOUR, answer
            later: dict[str, Deed] = {"offer taken": take_offer, "decided": decide}
            later |= {"task accepted": answer_task, "task rejected": answer_task}
            if then in later:
                yield begun + 3 * HOUR, later[then]
        case _:
            yield paying, pay


def stories(stage: Stage, seed: int, count: int) -> list[Story]:
    """The stories of a round, by seed; every kind occurs when there are enough."""
    random = Random(seed)

    def minted(prefix: str) -> str:
        return make(prefix, BEGIN, random.randbytes(RANDOM_BYTES))

    told: list[Story] = []
    for number in range(count):
        kind = KINDS[(number + seed) % len(KINDS)]
        services = stage.on_request if kind.startswith("asked") else stage.instant
        turn, place = divmod(number, len(services))
        told.append(
            Story(
                kind=kind,
                customer_id=minted("usr"),
                service_id=services[place],
                start_at=BEGIN + timedelta(hours=12 + 40 * kind.startswith("asked") + 2 * turn),
                hold_id=minted("hld"),
                booking_id=minted("bkg"),
                payment_ids=(minted("pay"), minted("pay")),
                dispute_id=minted("dsp"),
            )
        )
    return told


async def prepared(folder: Path, providers: int) -> Stage:
    """A marketplace with some providers, half of them people with an address, in that folder."""
    instant, on_request = list[str](), list[str]()
    async with market(folder, VirtualClock(BEGIN)) as shop:
        for number in range(providers):
            owner = OWNER
            if number % 2:
                owner = Actor(actor_id=shop.id("usr"), groups=(Group.CUSTOMERS, Group.PROVIDERS))
                admission = Admission(
                    user_id=owner.actor_id,
                    email=f"paula{number}@example.org",
                    password="no hash",
                    name="Paula",
                    groups=owner.groups,
                )
                await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, SYSTEM))
            provider_id = await shop.provider(owner)
            if number % 2 == 0:
                services = on_request if number % 4 else instant
                services.append(await shop.service(provider_id, PRICE, instant=number % 4 == 0))
    return Stage(instant=instant, on_request=on_request)


# The child.


@dataclass(slots=True)
class Notes:
    """Which acts were done, in a file that outlives the child."""

    path: Path

    def done(self) -> set[int]:
        return set(map(int, self.path.read_text().split())) if self.path.exists() else set()

    def note(self, number: int) -> None:
        with self.path.open("a") as file:
            file.write(f"{number}\n")


async def live(shop: Market, folder: Path, told: Sequence[Story]) -> None:
    """Do what people do at its time, and have everything done that follows from it, to the end of the round."""
    acts = [
        (at, deed, story)
        for number, story in enumerate(told)
        for at, deed in deeds(story, BEGIN + number * timedelta(seconds=47))
    ]
    acts.sort(key=lambda act: (act[0], act[2].hold_id))
    notes = Notes(folder / "acts")
    done = notes.done()
    for number, (at, deed, story) in enumerate(acts):
        if number in done:
            continue
        if at > shop.clock.now():
            await shop.passes(at - shop.clock.now())
        with suppress(Refusal):  # Done before the kill, and not noted: it is refused, or the same.
            await deed(shop, story)
        notes.note(number)
    await shop.passes(max(BEGIN + LIFE - shop.clock.now(), timedelta()))


async def report(shop: Market) -> dict[str, Any]:
    """How everything stands at the end. Raises AssertionError when an execution has not ended once."""
    table, found = shop.app.ports.table, list[list[str]]()
    for execution in await _executions(shop):
        page = await shop.app.ports.workflows.history(execution.execution_id, limit=1000)
        endings = [event.type for event in page.events if event.type in ENDINGS]
        assert len(endings) == 1, f"{execution.execution_id} ended {len(endings)} times"
        last = [event.details["name"] for event in page.events if event.type.endswith("StateEntered")][-1]
        # A refund's id is made when it is decided; it is known by its booking.
        name = execution.input["booking_id"] if "refund_id" in execution.input else execution.name
        found.append([execution.machine, name, execution.status.value, last])
    holds = {each.hold_id: each.status.value for each in (await table.scan(Hold, limit=1000)).values}
    bookings = {each.booking_id: each.status.value for each in (await table.scan(Booking, limit=1000)).values}
    payments = {each.payment_id: each.state.value for each in (await table.scan(Payment, limit=1000)).values}
    refunds = [
        [each.booking_id, each.state.value, each.amount.minor] for each in (await table.scan(Refund, limit=1000)).values
    ]
    disputes = {
        each.dispute_id: [each.state.value, each.verdict.refund.minor if each.verdict else 0]
        for each in (await table.scan(Dispute, limit=1000)).values
    }
    await shop.verified()
    return {
        "executions": sorted(found),
        "holds": holds,
        "bookings": bookings,
        "payments": payments,
        "refunds": sorted(refunds),
        "disputes": disputes,
    }


async def _executions(shop: Market) -> list[Execution]:
    found: list[Execution] = []
    after = None
    while True:
        page = await shop.app.ports.workflows.listed(after=after, limit=100)
        found += page.executions
        after = page.next
        if after is None:
            return found


class Errand(Struct, frozen=True, kw_only=True):
    """What a child is told. `life` counts the children of a round."""

    folder: str
    origin: str
    keys: tuple[str, str, str]
    stage: Stage
    seed: int
    stories: int
    life: int


async def child(errand: Errand) -> None:
    """Carry a round to its end, or until killed."""
    folder = Path(errand.folder)
    secret, publishable, webhook = errand.keys
    keys = Keys(secret_key=secret, publishable_key=publishable, webhook_secret=webhook)
    async with over(folder, errand.origin, keys, SharedClock(folder / "clock"), seed=errand.life) as (shop, _):
        os.write(1, b"!")
        await live(shop, folder, stories(errand.stage, errand.seed, errand.stories))
        ended = folder / "ended.part"
        ended.write_bytes(msgspec.json.encode(await report(shop)))
        ended.rename(folder / "ended")


# The parent.


async def play(prepared_in: Path, stage: Stage, seed: int, count: int, lives: Lives) -> tuple[dict[str, Any], Any]:
    """A round: how everything stands at its end, and the processor's own log."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="ecosystem-market-crash-", dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        shutil.copytree(prepared_in, folder, dirs_exist_ok=True)
        clock = SharedClock(folder / "clock")
        async with sandbox_in(folder, clock, seed=seed) as sandbox:
            errand = Errand(
                folder=name,
                origin=sandbox.origin,
                keys=(sandbox.keys.secret_key, sandbox.keys.publishable_key, sandbox.keys.webhook_secret),
                stage=stage,
                seed=seed,
                stories=count,
                life=0,
            )
            await lives.lived(errand)
            return msgspec.json.decode((folder / "ended").read_bytes()), effects(sandbox)


def effects(sandbox: Sandbox) -> Counter[tuple[str, int, str]]:
    """What moved at the processor, each once. Keys of idempotency that we gave name the payment; others are its own."""
    moved = Counter((effect.what, effect.subject, effect.idempotency_key) for effect in sandbox.effects())
    twice = [effect for effect, times in moved.items() if times > 1]
    assert not twice, f"moved twice: {twice[:3]}"
    return Counter((effect.what, effect.amount, _ours(effect.idempotency_key or "")) for effect in sandbox.effects())


def _ours(key: str) -> str:
    return key if key.startswith("pay_") else ""


class Lives:
    """Children, one after the other, until a round has ended; up to `kills_max` of them are killed."""

    def __init__(self, random: Random, kills_max: int) -> None:
        self._random = random
        self._kills_max = kills_max
        self.killed = 0

    async def lived(self, errand: Errand) -> None:
        began, ended = time.monotonic(), Path(errand.folder) / "ended"
        life = 0
        while not ended.exists():
            assert time.monotonic() - began < ROUND_S_MAX, "a round does not end"
            life += 1
            await self._life(with_fields(errand, life=life))

    async def _life(self, errand: Errand) -> None:
        said = msgspec.json.encode(errand).decode()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.market_crash", "--child", said, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.read(1) == b"!", "the child did not begin"
        if self.killed >= self._kills_max:
            assert await process.wait() == 0, "the child failed"
            return
        try:
            # Some die while they take over, most in full flight.
            pause = self._random.choice([self._random.uniform(0, 0.05), self._random.uniform(0, 0.6)])
            status = await asyncio.wait_for(process.wait(), pause)
            assert status == 0, "the child failed"
        except TimeoutError:
            process.kill()
            self.killed += await process.wait() == -signal.SIGKILL


async def drill(
    kills: int, seed: int, *, count: int = STORIES, providers: int = PROVIDERS, said: Callable[[str], None] = print
) -> list[Row]:
    """Kill that many times. Raises AssertionError when anything is otherwise than without a kill."""
    random, began = Random(seed), time.monotonic()
    killed = rounds = carried = moved = 0
    with tempfile.TemporaryDirectory(prefix="ecosystem-market-crash-") as start:
        stage = await prepared(Path(start), providers)
        while killed < kills:
            rounds += 1
            by = seed + rounds - 1
            wanted, wished = await play(Path(start), stage, by, count, Lives(random, 0))
            lives = Lives(random, kills - killed)
            found, done = await play(Path(start), stage, by, count, lives)
            killed += lives.killed
            assert lives.killed, "nobody was killed"
            _same(by, wanted, found)
            assert done == wished, f"seed {by}: effects differ: {[*(done - wished), *(wished - done)][:5]}"
            carried += len(wanted["executions"])
            moved += done.total()
            ends = Counter(
                f"{machine.removeprefix('ecosystem-')} {last}" for machine, _, _, last in wanted["executions"]
            )
            said(
                f"seed {by}: {lives.killed} kills, {len(wanted['executions'])} executions: {dict(sorted(ends.items()))}"
            )
    return [
        Row(part="workflows", name="kills (SIGKILL) of the market survived", figure=killed, unit="kills"),
        Row(part="workflows", name="its executions that ended otherwise", figure=0, unit=f"of {carried}", goal="0"),
        Row(
            part="workflows",
            name="effects at the processor missing or repeated",
            figure=0,
            unit=f"of {moved}",
            goal="0",
        ),
        Row(part="workflows", name="the market's drill took", figure=time.monotonic() - began, unit="s"),
    ]


def _same(seed: int, wanted: dict[str, Any], found: dict[str, Any]) -> None:
    for part, wished in wanted.items():
        if found[part] != wished:
            there, missing = _differing(found[part], wished), _differing(wished, found[part])
            raise AssertionError(f"seed {seed}, {part}: {missing[:3]} became {there[:3]}")


def _differing(some: Any, others: Any) -> list[Any]:
    if isinstance(some, dict):
        return [[key, value] for key, value in some.items() if others.get(key) != value]
    return [each for each in some if each not in others]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stories", type=int, default=STORIES)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        asyncio.run(child(msgspec.json.decode(given.child, type=Errand)))
        return
    for row in asyncio.run(drill(given.kills, given.seed, count=given.stories)):
        print(f"{row.name}: {row.figure:,.0f} {row.unit}")


if __name__ == "__main__":
    main()
