"""What the ledger answers: every rule by its result."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import structs

from ecosystem.contexts.ledger.accounts import QUANTITY_MAX, Account, AccountFlag, Balances, Position, open_accounts
from ecosystem.contexts.ledger.posting import Known, decide
from ecosystem.contexts.ledger.results import Result
from ecosystem.contexts.ledger.transfers import ALL_OF_IT, Recorded, State, Transfer, TransferFlag, linked, reverse
from ecosystem.kernel.refusals import Invalid

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOUNDED = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
CAPPED = AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS


class Book:
    """A ledger in memory: accounts `bank` and `shop` are free, `purse` may not be overdrawn, `limit` not overpaid."""

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self.transfers: dict[str, Recorded] = {}
        self.open(account("bank"), account("shop"), account("purse", BOUNDED), account("limit", CAPPED))

    def open(self, *accounts: Account) -> list[Result]:
        results, opened = open_accounts(self.positions, accounts)
        self.positions |= {new.account.account_id: new for new in opened}
        return results

    def post(self, *transfers: Transfer) -> list[Result]:
        decision = decide(Known(self.positions, self.transfers), transfers, AT)
        self.positions |= {moved.after.account.account_id: moved.after for moved in decision.movements}
        self.transfers |= {made.transfer_id: made for made in (*decision.recorded, *decision.settled)}
        return [outcome.result for outcome in decision.outcomes]

    def balances(self, name: str) -> Balances:
        return self.positions[name].balances


def account(name: str, flags: int = 0, ledger: str = "EUR") -> Account:
    return Account(account_id=name, ledger=ledger, code=1, flags=flags)


def move(name: str, debit: str, credit: str, amount: int, flags: int = 0, **fields: object) -> Transfer:
    transfer = Transfer(
        transfer_id=name,
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        ledger="EUR",
        code=1,
        flags=flags,
    )
    return structs.replace(transfer, **fields)


def settle(name: str, pending: str, amount: int, flags: int) -> Transfer:
    return Transfer(transfer_id=name, pending_id=pending, amount=amount, flags=flags)


@pytest.fixture
def book() -> Book:
    return Book()


def test_a_transfer_debits_one_account_and_credits_the_other(book: Book) -> None:
    assert book.post(move("t1", "bank", "shop", 100)) == [Result.CREATED]

    assert book.balances("bank") == Balances(debits_posted=100)
    assert book.balances("shop") == Balances(credits_posted=100)


def test_an_account_that_may_not_be_overdrawn_is_not(book: Book) -> None:
    book.post(move("t1", "bank", "purse", 100))

    assert book.post(move("t2", "purse", "shop", 60), move("t3", "purse", "shop", 41)) == [
        Result.CREATED,
        Result.EXCEEDS_CREDITS,
    ]
    assert book.post(move("t4", "bank", "limit", 1)) == [Result.EXCEEDS_DEBITS]


def test_what_is_pending_counts_against_the_bound(book: Book) -> None:
    book.post(move("t1", "bank", "purse", 100), move("t2", "purse", "shop", 100, TransferFlag.PENDING))

    assert book.post(move("t3", "purse", "shop", 1)) == [Result.EXCEEDS_CREDITS]
    assert book.post(settle("t4", "t2", 0, TransferFlag.VOID)) == [Result.CREATED]
    assert book.post(move("t5", "purse", "shop", 1)) == [Result.CREATED]


def test_a_pending_transfer_is_posted_once_and_may_be_posted_in_part(book: Book) -> None:
    book.post(move("p", "bank", "shop", 100, TransferFlag.PENDING))

    assert book.post(settle("t1", "p", 101, TransferFlag.POST)) == [Result.EXCEEDS_PENDING_TRANSFER_AMOUNT]
    assert book.post(settle("t2", "p", 70, TransferFlag.POST)) == [Result.CREATED]
    assert book.post(settle("t3", "p", ALL_OF_IT, TransferFlag.POST)) == [Result.PENDING_TRANSFER_ALREADY_POSTED]
    assert book.balances("shop") == Balances(credits_posted=70)
    assert (book.transfers["p"].state, book.transfers["p"].settled_by) == (State.POSTED, "t2")


def test_a_void_gives_back_all_or_is_refused(book: Book) -> None:
    book.post(move("p", "bank", "shop", 100, TransferFlag.PENDING))

    assert book.post(settle("t1", "p", 99, TransferFlag.VOID)) == [Result.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT]
    assert book.post(settle("t2", "p", 100, TransferFlag.VOID)) == [Result.CREATED]
    assert book.post(settle("t3", "p", 0, TransferFlag.VOID)) == [Result.PENDING_TRANSFER_ALREADY_VOIDED]
    assert book.balances("bank") == Balances()


def test_a_chain_happens_whole_or_not_at_all(book: Book) -> None:
    chain = linked([move("t1", "bank", "purse", 10), move("t2", "purse", "shop", 11), move("t3", "bank", "shop", 1)])

    assert book.post(*chain, move("t4", "bank", "shop", 5)) == [
        Result.LINKED_EVENT_FAILED,
        Result.EXCEEDS_CREDITS,
        Result.LINKED_EVENT_FAILED,
        Result.CREATED,
    ]
    assert book.balances("purse") == Balances()


def test_within_a_chain_each_transfer_sees_those_before_it(book: Book) -> None:
    chain = linked([move("t1", "bank", "purse", 10), move("t2", "purse", "shop", 10)])

    assert book.post(*chain) == [Result.CREATED, Result.CREATED]


def test_a_chain_left_open_fails(book: Book) -> None:
    flags = TransferFlag.LINKED

    assert book.post(move("t1", "bank", "shop", 1, flags), move("t2", "bank", "shop", 1, flags)) == [
        Result.LINKED_EVENT_FAILED,
        Result.LINKED_EVENT_CHAIN_OPEN,
    ]


def test_a_repeated_transfer_stands_and_another_under_its_id_is_refused(book: Book) -> None:
    book.post(move("t1", "bank", "shop", 100, reference="bkg_1"))

    assert book.post(
        move("t1", "bank", "shop", 100, reference="bkg_1"),
        move("t1", "bank", "shop", 101, reference="bkg_1"),
        move("t1", "bank", "shop", 100, reference="bkg_2"),
        move("t1", "shop", "bank", 100, reference="bkg_1"),
        move("t1", "bank", "shop", 100, TransferFlag.PENDING),
    ) == [
        Result.EXISTS,
        Result.EXISTS_WITH_DIFFERENT_AMOUNT,
        Result.EXISTS_WITH_DIFFERENT_REFERENCE,
        Result.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID,
        Result.EXISTS_WITH_DIFFERENT_FLAGS,
    ]


def test_a_repeated_post_may_leave_out_what_it_takes_from_the_pending_transfer(book: Book) -> None:
    book.post(move("p", "bank", "shop", 100, TransferFlag.PENDING, reference="bkg_1"))
    book.post(settle("t1", "p", ALL_OF_IT, TransferFlag.POST))

    assert book.post(settle("t1", "p", ALL_OF_IT, TransferFlag.POST)) == [Result.EXISTS]
    assert book.post(settle("t1", "p", 100, TransferFlag.POST)) == [Result.EXISTS]
    assert book.post(settle("t1", "p", 99, TransferFlag.POST)) == [Result.EXISTS_WITH_DIFFERENT_AMOUNT]
    assert book.transfers["t1"].reference == "bkg_1"


def test_an_id_that_once_failed_for_want_of_money_is_spent(book: Book) -> None:
    book.post(move("t1", "purse", "shop", 1))
    book.post(move("t2", "bank", "purse", 100))

    assert book.post(move("t1", "purse", "shop", 1)) == [Result.ID_ALREADY_FAILED]
    assert book.post(settle("t3", "t1", 1, TransferFlag.POST)) == [Result.PENDING_TRANSFER_NOT_FOUND]


def test_an_id_that_failed_for_its_form_or_for_its_chain_may_be_used_again(book: Book) -> None:
    book.post(move("t1", "bank", "bank", 1))
    book.post(*linked([move("t2", "bank", "shop", 1), move("t3", "purse", "shop", 1)]))

    assert book.post(move("t1", "bank", "shop", 1), move("t2", "bank", "shop", 1)) == [Result.CREATED] * 2
    assert book.post(move("t3", "bank", "shop", 1)) == [Result.ID_ALREADY_FAILED]


def test_a_balancing_transfer_moves_what_there_is(book: Book) -> None:
    book.post(move("t1", "bank", "purse", 70))

    assert book.post(move("t2", "purse", "shop", ALL_OF_IT, TransferFlag.BALANCING_DEBIT)) == [Result.CREATED]
    assert book.transfers["t2"].amount == 70
    assert book.post(move("t2", "purse", "shop", 69, TransferFlag.BALANCING_DEBIT)) == [
        Result.EXISTS_WITH_DIFFERENT_AMOUNT
    ]
    assert book.post(move("t2", "purse", "shop", 71, TransferFlag.BALANCING_DEBIT)) == [Result.EXISTS]
    assert book.post(move("t3", "purse", "shop", 5, TransferFlag.BALANCING_DEBIT)) == [Result.CREATED]
    assert book.transfers["t3"].amount == 0


def test_a_balancing_credit_fills_an_account_up_to_its_debits(book: Book) -> None:
    book.post(move("t1", "limit", "bank", 30))

    assert book.post(move("t2", "bank", "limit", 100, TransferFlag.BALANCING_CREDIT)) == [Result.CREATED]
    assert book.transfers["t2"].amount == 30


def test_a_closed_account_takes_nothing_until_the_closing_is_voided(book: Book) -> None:
    closing = TransferFlag.PENDING | TransferFlag.CLOSING_DEBIT
    book.post(move("p", "bank", "shop", 40, TransferFlag.PENDING))

    assert book.post(move("c", "shop", "bank", 0, closing)) == [Result.CREATED]
    assert book.positions["shop"].flags == AccountFlag.CLOSED
    assert book.post(move("t1", "bank", "shop", 1)) == [Result.CREDIT_ACCOUNT_ALREADY_CLOSED]
    assert book.post(settle("t2", "p", ALL_OF_IT, TransferFlag.POST)) == [Result.CREDIT_ACCOUNT_ALREADY_CLOSED]
    assert book.post(settle("t3", "c", 0, TransferFlag.VOID)) == [Result.CREATED]
    assert book.post(settle("t4", "p", ALL_OF_IT, TransferFlag.POST)) == [Result.CREATED]


@pytest.mark.parametrize(
    ("transfer", "result"),
    [
        (move("", "bank", "shop", 1), Result.ID_MUST_NOT_BE_ZERO),
        (move("t", "bank", "shop", 1, 1 << 9), Result.RESERVED_FLAG),
        (move(str(QUANTITY_MAX), "bank", "shop", 1), Result.ID_MUST_NOT_BE_INT_MAX),
        (move("t", "", "shop", 1), Result.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO),
        (move("t", "bank", "", 1), Result.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO),
        (move("t", "bank", "bank", 1), Result.ACCOUNTS_MUST_BE_DIFFERENT),
        (move("t", "bank", "shop", 1, pending_id="p"), Result.PENDING_ID_MUST_BE_ZERO),
        (move("t", "bank", "shop", 1, TransferFlag.CLOSING_DEBIT), Result.CLOSING_TRANSFER_MUST_BE_PENDING),
        (move("t", "bank", "shop", 1, ledger=""), Result.LEDGER_MUST_NOT_BE_ZERO),
        (move("t", "bank", "shop", 1, code=0), Result.CODE_MUST_NOT_BE_ZERO),
        (move("t", "none", "shop", 1), Result.DEBIT_ACCOUNT_NOT_FOUND),
        (move("t", "bank", "none", 1), Result.CREDIT_ACCOUNT_NOT_FOUND),
        (move("t", "bank", "yen", 1), Result.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER),
        (move("t", "bank", "shop", 1, ledger="USD"), Result.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS),
        (move("t", "sum", "shop", 1, TransferFlag.BALANCING_DEBIT), Result.SUMMED_ACCOUNT_HAS_NO_BALANCE_YET),
        (settle("t", "p", 1, TransferFlag.POST | TransferFlag.VOID), Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
        (settle("t", "p", 1, TransferFlag.POST | TransferFlag.PENDING), Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
        (settle("t", "", 1, TransferFlag.POST), Result.PENDING_ID_MUST_NOT_BE_ZERO),
        (settle("t", "t", 1, TransferFlag.POST), Result.PENDING_ID_MUST_BE_DIFFERENT),
        (settle("t", "none", 1, TransferFlag.POST), Result.PENDING_TRANSFER_NOT_FOUND),
        (settle("t", "plain", 1, TransferFlag.POST), Result.PENDING_TRANSFER_NOT_PENDING),
        (
            structs.replace(settle("t", "p", 1, TransferFlag.POST), code=2),
            Result.PENDING_TRANSFER_HAS_DIFFERENT_CODE,
        ),
        (
            structs.replace(settle("t", "p", 1, TransferFlag.POST), ledger="USD"),
            Result.PENDING_TRANSFER_HAS_DIFFERENT_LEDGER,
        ),
        (
            structs.replace(settle("t", "p", 1, TransferFlag.POST), debit_account_id="shop"),
            Result.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID,
        ),
        (
            structs.replace(settle("t", "p", 1, TransferFlag.POST), credit_account_id="bank"),
            Result.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID,
        ),
        (move("t", "bank", "shop", QUANTITY_MAX), Result.OVERFLOWS_DEBITS_POSTED),
        (move("t", "bank", "shop", QUANTITY_MAX, TransferFlag.PENDING), Result.OVERFLOWS_DEBITS_PENDING),
        (move("t", "bank", "shop", QUANTITY_MAX - 5), Result.OVERFLOWS_DEBITS),
    ],
)
def test_each_thing_wrong_has_its_own_answer(book: Book, transfer: Transfer, result: Result) -> None:
    book.open(account("yen", ledger="JPY"), account("sum", AccountFlag.SUMMED))
    book.post(move("plain", "bank", "shop", 5), move("p", "bank", "shop", 5, TransferFlag.PENDING))

    assert book.post(transfer) == [result]


def test_amounts_have_128_bits(book: Book) -> None:
    assert book.post(move("t1", "bank", "shop", QUANTITY_MAX)) == [Result.CREATED]
    assert book.post(move("t2", "bank", "shop", 1)) == [Result.OVERFLOWS_DEBITS_POSTED]
    assert book.post(move("t3", "shop", "bank", QUANTITY_MAX)) == [Result.CREATED]


def test_an_account_that_keeps_its_history_has_its_balances_in_each_transfer(book: Book) -> None:
    book.open(account("till", AccountFlag.HISTORY))

    book.post(move("t1", "bank", "till", 5), move("t2", "bank", "till", 6))

    assert book.transfers["t2"].credit_balances == ("0", "0", "0", "11")
    assert book.transfers["t2"].debit_balances is None


def test_accounts_are_opened_once_and_chains_of_them_whole(book: Book) -> None:
    both = AccountFlag.BOUNDED

    assert book.open(account("bank"), account("purse"), account("x", both), account("", 0)) == [
        Result.EXISTS,
        Result.EXISTS_WITH_DIFFERENT_FLAGS,
        Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE,
        Result.ID_MUST_NOT_BE_ZERO,
    ]
    assert book.open(account("y", AccountFlag.LINKED), account("x", both), account("z")) == [
        Result.LINKED_EVENT_FAILED,
        Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE,
        Result.CREATED,
    ]
    assert "y" not in book.positions


def test_a_reversal_puts_both_accounts_back(book: Book) -> None:
    book.post(move("t1", "bank", "shop", 12, reference="bkg_1"))

    book.post(reverse(book.transfers["t1"], "t2"))

    assert book.balances("bank").net == book.balances("shop").net == 0
    assert book.transfers["t2"].reference == "bkg_1"


def test_what_is_pending_or_failed_is_not_reversed(book: Book) -> None:
    book.post(move("p", "bank", "shop", 5, TransferFlag.PENDING), move("f", "purse", "shop", 5))

    for name in ("p", "f"):
        with pytest.raises(Invalid):
            reverse(book.transfers[name], "t2")
