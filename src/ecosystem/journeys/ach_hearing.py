"""Hearing the bank: what it puts out is kept, then worked through, each thing once in effect.

A return is first committed with the entry it belongs to, and acted upon after: should the process die in between, the
return stands there as received, and whoever goes on acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from msgspec.structs import replace

from ecosystem.contexts import ach
from ecosystem.contexts.ach import (
    AchException,
    AchFile,
    BankStatements,
    BatchShown,
    BatchTotals,
    Change,
    Delivering,
    Direction,
    Entries,
    Entry,
    ExceptionKind,
    Faulty,
    FileState,
    Inbound,
    InboundKind,
    InboundState,
    Inbox,
    MoneyAction,
    Notice,
    Others,
    Return,
    Returns,
    ReturnState,
    StatementLine,
    Told,
    TraceNumbers,
    Vault,
)
from ecosystem.contexts.ledger import Ledger, bank_fee
from ecosystem.journeys.ach_causes import ACTOR, CURRENCY, AccountsNews, Causes
from ecosystem.journeys.ach_dishonors import Dishonoring
from ecosystem.journeys.ach_origination import AchOrigination
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.nacha import CHANGES, RETURNS, Step
from ecosystem.kernel.refusals import Conflict, Invalid
from ecosystem.ports.bank import Bank
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Table, Write

AGAIN_WITHIN = timedelta(days=2)
STEP = 20
"""Things between two notes of how far a file was worked through."""


@dataclass(frozen=True, slots=True)
class AchHearing:
    table: Table
    clock: Clock
    bank: Bank
    inbox: Inbox
    vault: Vault
    entries: Entries
    traces: TraceNumbers
    returns: Returns
    statements: BankStatements
    delivering: Delivering
    origination: AchOrigination
    causes: Causes
    accounts: AccountsNews
    ledger: Ledger
    dishonoring: Dishonoring

    async def collect(self) -> int:
        """Keep every file that the bank has for us; how many. Raises `BankSilent`, `BankUnknown`."""
        began = self.clock.now()
        waiting = await self.bank.waiting()
        for each in waiting:
            await self.inbox.keep(each.name, await self.bank.collect(each.name))
            await self.bank.collected(each.name)
        await self.inbox.emptied(began)
        return len(waiting)

    async def work(self) -> int:
        """Work through every file that was kept, each apart; how many were."""
        files = await self.inbox.open_files()
        return await self.origination.apart.each(
            files, lambda file: f"inbound.{file.inbound_id}", lambda file: self.work_through(file.inbound_id)
        )

    async def work_through(self, inbound_id: str) -> Inbound:
        """Deal with everything in a file, from where it was left."""
        inbound = (await self.inbox.row(inbound_id)).value
        if inbound.state is not InboundState.KEPT:
            return inbound
        content = await self.inbox.content(inbound)
        try:
            match inbound.kind:
                case InboundKind.ENTRIES:
                    return await self._returns(inbound, content)
                case InboundKind.ACKNOWLEDGEMENT:
                    return await self._acknowledged(inbound, content)
                case InboundKind.STATEMENT:
                    return await self._statement(inbound, content)
                case _:
                    return await self._unreadable(inbound, ["It is no file of any kind that was agreed."])
        except Invalid as refused:
            return await self._unreadable(inbound, [refused.message])

    async def accept(self, return_id: str, actor: Actor) -> Return:
        """Let a return hold that waits for a person: we had asked for it, or agreed. Raises `Denied`, `Conflict`."""
        actor.must_operate()
        row = await self.returns.find(return_id)
        if row is None:
            raise ach.NoSuchReturn
        if row.value.state is not ReturnState.RECEIVED or row.value.action is not MoneyAction.HOLD:
            raise Conflict("This return was decided already.")
        return await self._holds(row, ReturnState.RECEIVED)

    async def dishonor(self, return_id: str, code: str, actor: Actor) -> Return:
        """Not accept a return that waits for a person, under a code of ours. Raises `Denied`, `Conflict`, `Invalid`."""
        actor.must_operate()
        row = await self.returns.find(return_id)
        if row is None:
            raise ach.NoSuchReturn
        if code not in RETURNS or RETURNS[code].step is not Step.DISHONORED:
            raise Invalid("Returns are dishonoured under R61, R62, R67, R68, R69 or R70.", field="code")
        if row.value.state is not ReturnState.RECEIVED or row.value.action is not MoneyAction.HOLD:
            raise Conflict("This return was decided already.")
        at = self.clock.now()
        if row.value.dishonor_by is not None and ach.eastern_day(at) > row.value.dishonor_by:
            raise Conflict("The five banking days in which a return is dishonoured are over.")
        after = replace(row.value, state=ReturnState.DISHONORED, dishonor_code=code, changed_at=at)
        entry = (await self.entries.row(after.entry_id)).value
        await self.table.transact(*ach.return_becomes(row, after), *await self.dishonoring.writes(entry, after, None))
        return after

    async def _returns(self, inbound: Inbound, content: bytes) -> Inbound:
        if faults := ach.faults_of(content):
            said = [f"line {fault.line}, {fault.record}: {fault.message}" for fault in faults]
            return await self._unreadable(inbound, said)
        count, stuck = 0, None
        for thing in ach.things(content):
            count += 1
            if count <= inbound.position:
                continue
            name = f"inbound.{inbound.inbound_id}.{count}"
            if not await self.origination.apart.one(name, lambda thing=thing: self._heard(inbound, thing)):
                stuck = count - 1 if stuck is None else stuck
            if count % STEP == 0 and stuck is None:
                await self.inbox.advance(inbound.inbound_id, count, count)
        await self.inbox.advance(inbound.inbound_id, count if stuck is None else stuck, count)
        if stuck is not None:
            # What is stuck comes again with the next turn, and what follows it in the file: twice has one effect.
            return inbound
        return await self.inbox.end(inbound.inbound_id, InboundState.DONE)

    async def _heard(self, inbound: Inbound, thing: Told | Notice | Others) -> None:
        match thing:
            case Told():
                await self._return(inbound, thing)
            case Notice():
                await self._change(inbound, thing)
            case Others():
                await self._raised(inbound, ExceptionKind.UNKNOWN_TRACE, thing.trace_number, cents=thing.cents)

    async def _return(self, inbound: Inbound, told: Told) -> None:
        if told.code in RETURNS and RETURNS[told.code].step is Step.DISHONORED:
            # Only an originating bank dishonours: nobody does so to us, who receive no entries.
            await self._raised(inbound, ExceptionKind.CODE_ASKS_FOR_A_PERSON, told.trace_number, code=told.code)
            return
        return_id = f"{told.original_trace}-{told.trace_number}"
        if told.contested_code:
            await self._contested(inbound, return_id, told)
            return
        known = await self.returns.find(return_id)
        if known is not None:
            if known.value.state is ReturnState.RECEIVED and known.value.action is not MoneyAction.HOLD:
                await self._act(known)
            return
        traced = await self.traces.entry_of(told.original_trace)
        if traced is None:
            await self._raised(
                inbound, ExceptionKind.UNKNOWN_TRACE, told.original_trace, code=told.code, cents=told.cents
            )
            return
        row = await self.entries.row(traced.entry_id)
        await self._received(inbound, told, return_id, row)
        found = await self.returns.find(return_id)
        if found is not None and found.value.action is not MoneyAction.HOLD:
            await self._act(found)

    async def _received(self, inbound: Inbound, told: Told, return_id: str, row: Row[Entry]) -> None:
        """Commit a return with its entry."""
        entry, at, reason = row.value, self.clock.now(), RETURNS[told.code]
        said = await self.entries.particulars(entry)
        fault = ach.fault_of(entry, said.routing_number, told, reason, at)
        if fault is None and not ach.fits(reason, entry):
            fault = Faulty(kind=ExceptionKind.UNFIT_CODE)
        may = not fault and await self._may_present_again(entry, told.code)
        action = ach.money_action(entry, told.code, may_present_again=may, holds=fault is None)
        if fault and action is MoneyAction.NONE:
            action = MoneyAction.HOLD
        dishonored = bool(fault and fault.dishonor_code)
        made = Return(
            return_id=return_id,
            inbound_id=inbound.inbound_id,
            entry_id=entry.entry_id,
            code=told.code,
            cents=told.cents,
            original_trace=told.original_trace,
            trace_number=told.trace_number,
            information=told.information[:44],
            action=action,
            account_action=ach.account_action(entry, told.code),
            state=ReturnState.DISHONORED if dishonored else ReturnState.RECEIVED,
            dishonor_code=fault.dishonor_code if fault else "",
            dishonor_by=ach.banking_days_after(ach.eastern_day(at), ach.DISHONOR_BANKING_DAYS) if fault else None,
            received_at=at,
            changed_at=at,
        )
        writes: list[Write] = [*ach.return_made(made, entry, ACTOR)]
        if fault is None:
            writes += ach.entry_becomes(row, ach.came_back(entry, told.code, return_id, at), ACTOR)
            writes += ach.return_counted(entry, reason, ach.eastern_day(at))
        if fault and dishonored:
            writes += await self.dishonoring.writes(entry, made, fault.kind)
        kind = fault.kind if fault else ExceptionKind.CODE_ASKS_FOR_A_PERSON if ach.RULES[told.code].repair else None
        if kind is not None:
            writes += ach.exception_made(self._exception(inbound, kind, made), ACTOR)
        await self.table.transact(*writes)

    async def _act(self, row: Row[Return]) -> None:
        """Carry out what follows a return, and say that it is done."""
        returned = row.value
        entry = (await self.entries.row(returned.entry_id)).value
        if returned.action is MoneyAction.PRESENT_AGAIN and await self.causes.of(entry).still_wants(entry):
            await self._present_again(entry, returned)
        elif returned.action is MoneyAction.PRESENT_AGAIN:
            # What it was for has ended since the return was taken in.
            await self.causes.of(entry).returned(entry, MoneyAction.TAKE_DEBIT_BACK, returned.code)
        else:
            await self.causes.of(entry).returned(entry, returned.action, returned.code)
        await self.accounts.act(entry, returned)
        state = ReturnState.CONTESTED if returned.state is ReturnState.CONTESTED else ReturnState.ACTED
        after = replace(returned, state=state, acted=True, changed_at=self.clock.now())
        await self.table.transact(*ach.return_becomes(row, after))

    async def _present_again(self, entry: Entry, returned: Return) -> None:
        """The debit once more, some banking days on. Its cause learns of the return: the bank took the money back."""
        said = await self.entries.particulars(entry)
        today = ach.eastern_day(returned.received_at)
        writes = await self.entries.originate(ach.presented_again(entry, said, today), ACTOR)
        if writes:
            await self.table.transact(*writes)
        await self.causes.of(entry).returned(entry, MoneyAction.PRESENT_AGAIN, returned.code)

    async def _may_present_again(self, entry: Entry, code: str) -> bool:
        first = entry
        if entry.presents:
            first = (await self.entries.row(entry.presents)).value
        today = ach.eastern_day(self.clock.now())
        if first.settled_on is None or not ach.may_present_again(entry, code, first.settled_on, today):
            return False
        return await self.causes.of(entry).still_wants(entry)

    async def _contested(self, inbound: Inbound, return_id: str, told: Told) -> None:
        row = await self.returns.find(return_id)
        if row is None or row.value.state not in {ReturnState.DISHONORED, ReturnState.CONTESTED}:
            await self._raised(
                inbound, ExceptionKind.UNKNOWN_TRACE, told.original_trace, code=told.contested_code, cents=told.cents
            )
            return
        if row.value.state is ReturnState.DISHONORED:
            await self._raised(
                inbound, ExceptionKind.CODE_ASKS_FOR_A_PERSON, return_id, code=told.contested_code, cents=told.cents
            )
            contested = replace(row.value, contested_code=told.contested_code)
            row = replace(row, value=contested)
            await self._holds(row, ReturnState.CONTESTED)
        elif not row.value.acted:
            await self._act(row)

    async def _holds(self, row: Row[Return], state: ReturnState) -> Return:
        """A return that was not accepted holds after all: its entry has come back, and what follows is done."""
        returned, at = row.value, self.clock.now()
        entry_row = await self.entries.row(returned.entry_id)
        entry = entry_row.value
        action = ach.money_action(entry, returned.code, may_present_again=False)
        if entry.return_id and entry.return_id != returned.return_id:
            action = MoneyAction.NONE  # It came back once already: its money is where it belongs.
        after = replace(returned, state=state, action=action, changed_at=at)
        writes = [
            *ach.return_becomes(row, after),
            *ach.entry_becomes(entry_row, ach.came_back(entry, returned.code, returned.return_id, at), ACTOR),
            *ach.return_counted(entry, RETURNS[returned.code], ach.eastern_day(at)),
        ]
        await self.table.transact(*writes)
        found = await self.returns.find(returned.return_id)
        assert found is not None
        if action is not MoneyAction.NONE or not entry.moves_money:
            await self._act(found)
        return found.value

    async def _change(self, inbound: Inbound, notice: Notice) -> None:
        change_id = f"{notice.original_trace}-{notice.trace_number}"
        traced = await self.traces.entry_of(notice.original_trace)
        correction = ach.CORRECTIONS.get(notice.code)
        if traced is None or correction is None or notice.is_refusal or CHANGES[notice.code].is_refusal:
            kind = ExceptionKind.UNKNOWN_TRACE if traced is None else ExceptionKind.CODE_ASKS_FOR_A_PERSON
            await self._raised(inbound, kind, notice.original_trace, code=notice.code)
            return
        entry = (await self.entries.row(traced.entry_id)).value
        row = await self.returns.change(change_id)
        if row is None:
            at = self.clock.now()
            owner_id = entry.receiver.owner_id
            made = Change(
                change_id=change_id,
                inbound_id=inbound.inbound_id,
                entry_id=entry.entry_id,
                bank_account_id=entry.receiver.bank_account_id,
                owner_id=owner_id,
                code=notice.code,
                corrected_box=await self.vault.sealed(
                    notice.corrected.encode(), ach.corrected_context(change_id, owner_id)
                ),
                due_on=ach.change_due_on(at),
                received_at=at,
            )
            await self.table.transact(*ach.change_made(made, ACTOR))
            row = await self.returns.change(change_id)
            assert row is not None
        if row.value.applied_at is not None:
            return
        if correction.repair:
            await self._raised(inbound, ExceptionKind.CODE_ASKS_FOR_A_PERSON, change_id, code=notice.code)
        if correction.account is ach.AccountAction.CLOSE:
            await self.accounts.close(entry, notice.code)
        if correction.account is ach.AccountAction.CORRECT:
            try:
                await self.accounts.correct(entry, notice.code, ach.corrected_fields(notice.code, notice.corrected))
            except Invalid:
                await self._raised(
                    inbound, ExceptionKind.CODE_ASKS_FOR_A_PERSON, f"{change_id}.unfit", code=notice.code
                )
                return
        after = replace(row.value, applied_at=self.clock.now())
        await self.table.transact(*ach.change_becomes(row, after))

    async def _acknowledged(self, inbound: Inbound, content: bytes) -> Inbound:
        for told in ach.acknowledgements(content):
            file = await self.delivering.by_name(told.name)
            if file is None or file.content_sha256 != told.sha256:
                await self._raised(inbound, ExceptionKind.UNKNOWN_FILE, told.name)
            elif told.is_accepted or told.reason != "duplicate":
                after = await self.delivering.acknowledge(file.file_id, "" if told.is_accepted else told.reason)
                if told.is_accepted:
                    await self._must_be_there(inbound, after)
        return await self.inbox.end(inbound.inbound_id, InboundState.DONE)

    async def _statement(self, inbound: Inbound, content: bytes) -> Inbound:
        made = ach.parsed_statement(content, inbound.inbound_id)
        for group in ach.statement_kept(made):
            await self.table.transact(*group)
        files: dict[str, None] = {}
        for line in made.lines:
            if line.type_code in ach.FEES:
                fee = bank_fee(ach.fee_id(line), f"statement {line.day}", Money(line.cents, CURRENCY))
                if writes := await self.ledger.writes(*fee):
                    await self.table.transact(*writes)
            if line.type_code in ach.SETTLEMENTS:
                reference, _, number = line.customer_reference.partition("/")
                file = await self.delivering.by_reference(reference)
                batch = next((each for each in file.batches if str(each.number) == number), None) if file else None
                if file is None or batch is None:
                    await self._raised(
                        inbound, ExceptionKind.UNKNOWN_FILE, f"{line.customer_reference}", cents=line.cents
                    )
                elif await self._is_settled(inbound, file, batch, line):
                    files[file.file_id] = None
        settled = await self.origination.apart.each(
            files, lambda file_id: f"{file_id}.settled", self.origination.settle
        )
        if settled < len(files):
            return inbound
        await self.inbox.advance(inbound.inbound_id, len(made.lines), len(made.lines))
        return await self.inbox.end(inbound.inbound_id, InboundState.DONE)

    async def _is_settled(self, inbound: Inbound, file: AchFile, batch: BatchTotals, line: StatementLine) -> bool:
        """Note a line that shows a batch of ours; whether the batch is settled by it, or a person has to say by what."""
        if file.state is FileState.REJECTED:
            file = await self.delivering.acknowledge(file.file_id, "")
        if not await self._must_be_there(inbound, file, line.cents):
            return False
        same_way = (batch.direction is Direction.DEBIT) == line.is_in
        was_whole = all(each.batch != batch.number for each in file.left_out)
        if batch.cents == line.cents and same_way and was_whole:
            await self.delivering.settle_batch(file.file_id, batch.number)
            return True
        if same_way:
            shown = BatchShown(batch=batch.number, cents=line.cents, line=f"{line.day}#{line.number}")
            after = await self.delivering.show_batch(file.file_id, shown)
            if was_whole and batch.number in after.settled_batches:
                return True
        what = f"{file.file_id}-{batch.number}"
        await self._raised(inbound, ExceptionKind.SETTLED_OTHERWISE, what, file_id=file.file_id, cents=line.cents)
        return False

    async def _must_be_there(self, inbound: Inbound, file: AchFile, cents: int = 0) -> bool:
        """Ask for a person when the bank has a file whose entries go another way by now; whether it has not."""
        if file.state in ach.AT_BANK or file.state is FileState.SETTLED:
            return True
        kind = ExceptionKind.TAKEN_AFTER_ALL
        await self._raised(inbound, kind, file.file_id, file_id=file.file_id, cents=cents)
        return False

    async def _unreadable(self, inbound: Inbound, faults: list[str]) -> Inbound:
        await self._raised(inbound, ExceptionKind.FILE_UNREADABLE, f"file{len(inbound.reopened_by) or ''}")
        return await self.inbox.end(inbound.inbound_id, InboundState.REFUSED, faults)

    async def _raised(
        self,
        inbound: Inbound,
        kind: ExceptionKind,
        what: str,
        *,
        file_id: str = "",
        code: str = "",
        cents: int = 0,
    ) -> None:
        """Ask for a person, once for the same thing in the same file."""
        repair = ach.repair_of(code) if kind is ExceptionKind.CODE_ASKS_FOR_A_PERSON else ach.REPAIRS[kind]
        exception = AchException(
            exception_id=f"{inbound.inbound_id}.{kind}.{what}",
            kind=kind,
            inbound_id=inbound.inbound_id,
            file_id=file_id,
            code=code,
            cents=cents,
            repair=repair,
            raised_at=self.clock.now(),
        )
        await self.returns.raise_(exception, ACTOR)

    def _exception(self, inbound: Inbound, kind: ExceptionKind, made: Return) -> AchException:
        asks = kind is ExceptionKind.CODE_ASKS_FOR_A_PERSON
        return AchException(
            exception_id=f"{inbound.inbound_id}.{kind}.{made.return_id}",
            kind=kind,
            inbound_id=inbound.inbound_id,
            entry_id=made.entry_id,
            return_id=made.return_id,
            code=made.code,
            cents=made.cents,
            repair=ach.repair_of(made.code) if asks else ach.REPAIRS[kind],
            raised_at=made.received_at,
        )
