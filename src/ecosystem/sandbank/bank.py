"""The bank at work: what is due by now is done, in the order of time; then it looks what lies in its folder.

Taking a file and everything that will follow from it are kept together. What it puts out it writes under a name of its
own and moves into place, and keeps as done after that: should the bank die in between, the same file is put out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from ecosystem.kernel.banking import (
    EASTERN,
    banking_days_after,
    eastern,
    eastern_day,
    is_banking_day,
    next_banking_day,
    on_or_after,
    windows,
)
from ecosystem.kernel.nacha import TRANSACTIONS, Category, Direction, Entry, Reading, Record
from ecosystem.kernel.time import local, sortable
from ecosystem.sandbank import writing
from ecosystem.sandbank.books import Books, Due, Line
from ecosystem.sandbank.plans import PULLED, Outcome, Plan, corrected, happens, outcome

RETURNS_AT = time(8, 30)
STATEMENT_AT = time(20)
OPENING_CENTS = 500_000_000
MODIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
FILES_MAX = 500


@dataclass(slots=True)
class Bank:
    """`folder` is what the customer reaches. `account` is the number of their account here."""

    folder: Path
    books: Books
    plan: Plan
    account: str = "4400112233"
    began: bool = False

    @classmethod
    def open(cls, folder: Path, data: Path, plan: Plan) -> Bank:
        for name in ("to_bank/taken", "from_bank/collected"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        bank = cls(folder, Books(data / "sandbank.sqlite"), plan)
        if bank.books.word("balance") is None:
            bank.books.say("balance", str(OPENING_CENTS))
        return bank

    def work(self, now: datetime) -> int:
        """Do everything that is due by now; how much was done."""
        self._begin(now)
        count = 0
        while due := self.books.due(sortable(now)):
            self._do(due)
            count += len(due)
        # What was taken now may be due at this very instant.
        count += self._look(now)
        while due := self.books.due(sortable(now)):
            self._do(due)
            count += len(due)
        return count

    def receive(self, now: datetime, cents: int, reference: str, words: str) -> None:
        """Money arrives from elsewhere."""
        with self.books.together():
            line = Line("142", cents, True, f"in-{self.books.counted('in')}", reference, words)
            self.books.line(on_or_after(eastern_day(now)).isoformat(), line)

    def _begin(self, now: datetime) -> None:
        """The first statement is that of the banking day on which the bank is opened."""
        if self.books.word("opened") is None:
            with self.books.together():
                self.books.say("opened", sortable(now))
                day = on_or_after(eastern_day(now))
                self.books.plan(sortable(eastern(day, STATEMENT_AT)), "statement", {"day": day.isoformat()})
        if not self.began:
            # What was taken when the bank died, and is in no book.
            self.began = True
            for path in sorted((self.folder / "to_bank" / "taken").iterdir()):
                if self.books.taken(sha256(path.read_bytes()).hexdigest()) is None:
                    self._take_on(path, now)

    # Taking.

    def _look(self, now: datetime) -> int:
        waiting = sorted(each for each in (self.folder / "to_bank").iterdir() if each.is_file())[:FILES_MAX]
        taken = 0
        for path in waiting:
            if path.name.endswith(".part"):
                continue
            if happens(self.plan, self.plan.late, f"late:{path.name}"):
                since = self.books.word(f"late:{path.name}")
                if since is None:
                    self.books.say(f"late:{path.name}", sortable(now + timedelta(hours=self.plan.late_hours)))
                    continue
                if sortable(now) < since:
                    continue
            self._take(path, now)
            taken += 1
        return taken

    def _take(self, path: Path, now: datetime) -> None:
        # Out of the way first: seen again in the folder, it would be taken for a second delivery.
        taken = path.replace(self.folder / "to_bank" / "taken" / path.name)
        self._take_on(taken, now)

    def _take_on(self, path: Path, now: datetime) -> None:
        """Look at a file that was taken, answer, and plan what follows from it."""
        content = path.read_bytes()
        digest = sha256(content).hexdigest()
        reading = Reading()
        items = list(reading.items([content]))
        known = self.books.taken(digest)
        reason = "duplicate" if known is not None else ""
        if not reason and reading.faults:
            reason = reading.faults[0].rule
        if not reason and happens(self.plan, self.plan.rejected, f"rejected:{path.name}"):
            reason = "not-authorized"
        told = {
            "file": path.name,
            "sha256": digest,
            "result": "rejected" if reason else "accepted",
            "reason": reason,
            "entries": reading.sums.entries,
            "debit_cents": reading.sums.debit_cents,
            "credit_cents": reading.sums.credit_cents,
            "received_at": sortable(now),
        }
        with self.books.together():
            self.books.take(digest, path.name, sortable(now), reason)
            if not happens(self.plan, self.plan.silent, f"silent:{path.name}"):
                self.books.plan(sortable(now), "acknowledgement", told)
            if not reason:
                self._book(items, now)

    def _book(self, items: Sequence[Record | Entry], now: datetime) -> None:
        """Plan what follows a file that was taken on."""
        header = items[0]
        assert isinstance(header, Record)
        reference = f"{header['file_creation_date']}{header['file_id_modifier']}"
        batch: dict[str, Any] = {}
        cents = 0
        settles_at = now
        for item in items[1:]:
            if isinstance(item, Record) and item.layout.name == "batch_header":
                batch = {
                    "entry_class": item["standard_entry_class_code"],
                    "description": item["company_entry_description"],
                    "company": item["company_identification"],
                    "company_name": item["company_name"],
                    "odfi": item["odfi_identification"],
                    "origin": header["immediate_origin"],
                    "destination": header["immediate_destination"],
                    "reference": f"{reference}/{item.number('batch_number')}",
                    "service": item["service_class_code"],
                }
                cents, settles_at = 0, self._settles_at(item["effective_entry_date"], now)
            elif isinstance(item, Entry):
                if item.record["dfi_account_number"].startswith(PULLED):
                    continue
                cents += item.amount_cents
                self._expect(item, batch, settles_at)
            elif item.layout.name == "batch_control" and cents:
                self.books.plan(sortable(settles_at), "settle", {**batch, "cents": cents})

    def _settles_at(self, effective: str, now: datetime) -> datetime:
        """When the operator settles a batch that is there now and asks for that day."""
        wanted = datetime.strptime(effective, "%y%m%d").date() if effective.strip() else eastern_day(now)  # noqa: DTZ007 - a date alone
        for window in windows(now):
            if window.effective_on >= wanted:
                return window.settles_at
        return now

    def _expect(self, entry: Entry, batch: dict[str, Any], settles_at: datetime) -> None:
        """Plan that an entry comes back, or is corrected."""
        record = entry.record
        item: dict[str, Any] = {
            **batch,
            "transaction_code": record["transaction_code"],
            "routing": record["rdfi_identification"] + record["check_digit"],
            "odfi_routing": _with_check_digit(batch["odfi"]),
            "account": record["dfi_account_number"],
            "cents": entry.amount_cents,
            "name": record["individual_name"],
            "identification": record["identification_number"],
            "discretionary": record["discretionary_data"],
            "trace": record["trace_number"],
        }
        if entry.category is Category.DISHONORED:
            self._dishonored(entry, item, settles_at)
            return
        found = outcome(self.plan, item["account"], item["transaction_code"], item["trace"])
        if found is None:
            return
        due = self._due(found, settles_at)
        if found.is_change:
            item["corrected"] = corrected(found.code, item["account"], item["transaction_code"])
        if happens(self.plan, self.plan.wrong.get("misstated", 0), f"misstated:{item['trace']}"):
            item["cents"] -= 1
        self.books.plan(sortable(due), "return", {**item, "code": found.code})
        if happens(self.plan, self.plan.wrong.get("twice", 0), f"twice:{item['trace']}"):
            again = eastern(banking_days_after(eastern_day(due), 1), RETURNS_AT)
            self.books.plan(sortable(again), "return", {**item, "code": found.code})

    def _dishonored(self, entry: Entry, item: dict[str, Any], settles_at: datetime) -> None:
        """The other bank takes its return back, or stands by it; the money goes with the batch."""
        addenda = entry.addenda[0]
        body = {
            **item,
            "code": "R" + addenda["return_reason_code"],
            "routing": _with_check_digit(addenda["original_receiving_dfi_identification"]),
            "trace": addenda["original_entry_trace_number"],
            "return_trace": addenda["return_trace_number"],
            "dishonored_trace": addenda["trace_number"],
            "dishonored": addenda["dishonored_return_reason_code"],
        }
        if not self.plan.contests:
            return
        contested = {"R67": "R75", "R68": "R73", "R69": "R76", "R61": "R71", "R62": "R77"}.get(
            body["dishonored"], "R73"
        )
        due = eastern(banking_days_after(eastern_day(settles_at), 1), RETURNS_AT)
        self.books.plan(sortable(due), "return", {**body, "contested": contested})

    def _due(self, found: Outcome, settles_at: datetime) -> datetime:
        """When it is back with us: as banks do, in the morning of a banking day."""
        settled_on = eastern_day(settles_at)
        if found.calendar_days:
            return eastern(on_or_after(settled_on + timedelta(days=found.calendar_days)), RETURNS_AT)
        return eastern(banking_days_after(settled_on, found.banking_days), RETURNS_AT)

    # What is due.

    def _do(self, due: Sequence[Due]) -> None:
        at = datetime.fromisoformat(due[0].due)
        returns = [each for each in due if each.kind == "return"]
        for each in due:
            match each.kind:
                case "acknowledgement":
                    name = each.body["file"].removesuffix(".ach")
                    self._put(f"ACK-{name}-{each.id}.csv", writing.acknowledgement(each.body))
                    self.books.done(each)
                case "settle":
                    self._settle(each, at)
                case "statement":
                    self._statement(each)
                case _:
                    continue
        if returns:
            self._return(returns, at)

    def _settle(self, due: Due, at: datetime) -> None:
        body = due.body
        is_in = body["service"] == "225"
        words = f"ACH {'DEBITS' if is_in else 'CREDITS'} {body['description']}"
        with self.books.together():
            line = Line("166" if is_in else "466", body["cents"], is_in, f"settle-{due.id}", body["reference"], words)
            self.books.line(eastern_day(at).isoformat(), line)
            self.books.done(due)

    def _return(self, due: Sequence[Due], at: datetime) -> None:
        """One file of everything that comes back at that instant, and its lines."""
        items: list[dict[str, Any]] = [{**each.body, "number": self._number(each)} for each in due]
        sequence = int(self.books.word(f"returns:{due[0].id}") or self.books.counted("returns"))
        self.books.say(f"returns:{due[0].id}", str(sequence))
        made_at = local(at, EASTERN)
        content = writing.returns(items, made_at, MODIFIERS[sequence % len(MODIFIERS)])
        name = f"RET-{made_at:%Y%m%d}-{sequence:05d}.ach"
        if happens(self.plan, self.plan.truncated, f"truncated:{name}"):
            # Cut off on its way; the bank notices, and sends it whole under another name.
            self._put(name, content[: len(content) // 3])
            name = f"RET-{made_at:%Y%m%d}-{sequence:05d}-again.ach"
        self._put(name, content)
        if happens(self.plan, self.plan.duplicated, f"duplicated:{name}"):
            self._put(f"COPY-{name}", content)
        with self.books.together():
            for each, item in zip(due, items, strict=True):
                if item["cents"] and not item["code"].startswith("C"):
                    is_in = TRANSACTIONS[item["transaction_code"]].direction is Direction.CREDIT
                    words = f"RETURN {item['code']}"
                    kind = "257" if is_in else "557"
                    line = Line(kind, item["cents"], is_in, f"return-{each.id}", item["trace"], words)
                    self.books.line(eastern_day(at).isoformat(), line)
                self.books.done(each)
            self._charge(items, at)

    def _charge(self, items: Sequence[dict[str, Any]], at: datetime) -> None:
        """The fee for what came back, in one line."""
        count = sum(1 for item in items if item["cents"] and item["code"].startswith("R") and "contested" not in item)
        if cents := count * self.plan.return_fee_cents:
            line = Line("698", cents, False, f"fee-{self.books.counted('fees')}", "", f"RETURNED ITEMS {count}")
            self.books.line(eastern_day(at).isoformat(), line)

    def _number(self, due: Due) -> int:
        """The trace number that the other bank gives a return: the same if it is written again."""
        return due.id % 10_000_000

    def _statement(self, due: Due) -> None:
        day = date.fromisoformat(due.body["day"])
        opening = int(self.books.word("closing") or OPENING_CENTS)
        lines = self.books.lines(day.isoformat())
        number = int(self.books.word(f"statement:{day}") or self.books.counted("statements"))
        self.books.say(f"statement:{day}", str(number))
        self._put(f"STMT-{day:%Y%m%d}.bai", writing.statement(day, self.account, opening, lines, number))
        closing = opening + sum(line.cents if line.is_in else -line.cents for line in lines)
        following = next_banking_day(day)
        assert is_banking_day(following)
        with self.books.together():
            self.books.say("closing", str(closing))
            self.books.plan(sortable(eastern(following, STATEMENT_AT)), "statement", {"day": following.isoformat()})
            self.books.done(due)

    def _put(self, name: str, content: bytes) -> None:
        """Put a file out, whole or not at all; not again what the customer has collected already."""
        place = self.folder / "from_bank" / name
        if (self.folder / "from_bank" / "collected" / name).exists():
            return
        unfinished = place.with_name(f"{name}.part")
        unfinished.write_bytes(content)
        unfinished.replace(place)

    def next_at(self) -> datetime | None:
        """When something is due next."""
        found = self.books.next_due()
        return datetime.fromisoformat(found).astimezone(UTC) if found else None


def _with_check_digit(eight: str) -> str:
    """Nine digits of eight (Appendix Three, check digit: weights 3, 7, 1)."""
    total = sum(int(digit) * weight for digit, weight in zip(eight, (3, 7, 1, 3, 7, 1, 3, 7), strict=True))
    return f"{eight}{-total % 10}"
