"""The words for those who run the marketplace.

Facts: `refund`, `service`, `customer`, `booking` (its id), `reason` (why it failed); of a dispute `wanted` and `decide_by`;
of a provider `provider`; of money at the processor its `amount`; of an execution `machine`, its `matter`, and `error`;
of a case of fraud its `matter`, `score`, `decide_by`, and the `outcome` without a decision; of drift `model` and `index`;
of a reconciliation `day`, `count` and `open`; of returned debits the `rate`, how much was `returned`, and the `most` that is allowed.
"""

from __future__ import annotations

from ecosystem.contexts.notifications.kinds import Audience, Kind, Topic
from ecosystem.contexts.notifications.wording import Wording

_OPERATOR: dict[Kind, Wording] = {
    Kind.REFUND_FAILED: Wording(
        topic=Topic.OPERATIONS,
        subject="A refund of {refund} failed",
        title="A refund of {refund} failed",
        notice="{refund} for {service} did not reach {customer}. Try again, or pay them another way.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "The money is back, and still owed to the customer.",
        ),
        asides=("{reason}",),
        button="Deal with it",
        notes=("The customer was told that it takes longer.",),
    ),
    Kind.DEBIT_RETURNED: Wording(
        topic=Topic.OPERATIONS,
        subject="A bank debit of {total} came back",
        title="A bank debit of {total} came back",
        notice="The bank of {customer} sent {total} for {service} back.",
        paragraphs=("{service}, booked by {customer}", "{booking}", "It is taken back out of escrow or of the shares."),
        asides=("{reason}",),
        button="See booking",
    ),
    Kind.REFUND_FOUND: Wording(
        topic=Topic.OPERATIONS,
        subject="{refund} was refunded at the card processor's desk",
        title="A refund was made at the card processor's desk",
        notice="{refund} for {service} went back to {customer} without us. It is in the books now.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "Somebody refunded {refund} at the card processor. The booking and its books follow it.",
        ),
        button="See booking",
        notes=("If nobody of you did this, change your passwords and keys at the card processor.",),
    ),
    Kind.DISPUTE_ESCALATED: Wording(
        topic=Topic.OPERATIONS,
        subject="A dispute over {wanted} is yours to decide",
        title="A dispute over {wanted} is yours to decide",
        notice="{service} for {customer} is disputed over {wanted}, and needs a decision by {decide_by}.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "The two sides do not agree. By {decide_by} the customer is refunded if nobody has decided.",
        ),
        asides=("{reason}",),
        button="Decide",
    ),
    Kind.DISPUTE_OVERDUE: Wording(
        topic=Topic.OPERATIONS,
        subject="Nobody decided a dispute: {wanted} went back",
        title="Nobody decided a dispute in time",
        notice="{wanted} for {service} went back to {customer}: the dispute was not decided in time.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "Nobody decided by {decide_by}, so the customer gets {wanted} back.",
        ),
        button="See booking",
        notes=("Disputes wait for you at the console. See that somebody looks there.",),
    ),
    Kind.ACCOUNT_NOT_OPENED: Wording(
        topic=Topic.OPERATIONS,
        subject="No payout account for {provider}",
        title="The payment processor opened no account for {provider}",
        notice="{provider} has no payout account: the payment processor did not open one.",
        paragraphs=(
            "{provider} has registered.",
            "The payment processor was asked twice and opened no account. They cannot be paid out until it has.",
        ),
        asides=("{reason}",),
        button="See provider",
        notes=("They may ask for it again from their pages, once what stands in the way is gone.",),
    ),
    Kind.EXECUTION_FAILED: Wording(
        topic=Topic.OPERATIONS,
        subject="A workflow failed: {machine}",
        title="{machine} did not come to its end",
        notice="{machine} for {matter} ended with {error}. See how its matter stands.",
        paragraphs=(
            "{machine} for {matter}",
            "It ended with {error}. What it saw to nobody sees to now, except for what comes by every few minutes.",
        ),
        asides=("{reason}",),
        button="See execution",
        notes=("Once what stood in the way is gone, it can go on from where it failed.",),
    ),
    Kind.BOOKS_DIFFER: Wording(
        topic=Topic.OPERATIONS,
        subject="Our books differ from processor or bank: {count} new",
        title="{count} new differences of {day}",
        notice="The reconciliation of {day} found {count} new differences; {open} are open.",
        paragraphs=(
            "{day}: {count} new, {open} open",
            "Ledger, card processor and bank do not say the same. Each difference is listed with what mends it.",
        ),
        asides=("{reason}",),
        button="See differences",
    ),
    Kind.BANK_ASKS: Wording(
        topic=Topic.OPERATIONS,
        subject="What the bank sent wants a person",
        title="What the bank sent wants a person",
        notice="{reason}",
        paragraphs=("Nothing here explains what the bank sent, or a file of ours stands still.",),
        asides=("{reason}",),
        button="See what to do",
        notes=("You are told once for each kind of trouble with a file; the page has all of it.",),
    ),
    Kind.RETURN_RATE_CLOSE: Wording(
        topic=Topic.OPERATIONS,
        subject="Returned debits are at {returned} of debits; the network allows {most}",
        title="The {rate} return rate is close to its limit",
        notice="Of the debits of 60 days {returned} came back; the network allows {most}.",
        paragraphs=(
            "{rate} returns: {returned}, the limit is {most}",
            "Above the limit the network asks our bank about us, and may end our debits.",
        ),
        button="See rates",
        notes=("You are told once a day for as long as it is so.",),
    ),
    Kind.FRAUD_WARNED: Wording(
        topic=Topic.OPERATIONS,
        subject="A card's bank warns of fraud: {service} for {customer}",
        title="A card's bank warns of fraud",
        notice="The bank behind the card that paid {service} for {customer} calls it fraud. Refund it before it is charged back.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "The bank behind the card believes that its owner did not pay this. Often a chargeback follows, with its fee.",
        ),
        button="See booking",
        notes=("Money that is refunded now cannot be charged back.",),
    ),
    Kind.REVIEW_OPENED: Wording(
        topic=Topic.OPERATIONS,
        subject="The card processor asks you to look at a payment",
        title="The card processor asks you to look at a payment",
        notice="{service} for {customer} was paid, and the card processor finds it risky.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "The card processor finds this payment risky. Decide at its desk; what you decide is taken in here.",
        ),
        button="See booking",
    ),
    Kind.CASE_WAITS: Wording(
        topic=Topic.OPERATIONS,
        subject="A {matter} scored {score} and waits for your look",
        title="A {matter} waits for a decision",
        notice="A {matter} of {provider} scored {score} of 1000. Decide by {decide_by}.",
        paragraphs=(
            "A {matter} of {provider} scored {score} of 1000.",
            "Until somebody has decided, its money does not move. {outcome}",
        ),
        button="Decide",
        notes=("Deciding is for operators who are trained for it.",),
    ),
    Kind.CASE_LAPSED: Wording(
        topic=Topic.OPERATIONS,
        subject="Nobody decided about a {matter} of {provider}",
        title="Nobody decided about a {matter} in time",
        notice="A {matter} of {provider} waited too long for a decision. {outcome}",
        paragraphs=("A {matter} of {provider} waited for a decision, and nobody took one.", "{outcome}"),
        button="See case",
        notes=("Cases wait for you at the console. See that somebody looks there.",),
    ),
    Kind.SCORES_DRIFTED: Wording(
        topic=Topic.OPERATIONS,
        subject="Fraud scores have moved away from what the model learned",
        title="Fraud scores have drifted",
        notice="The scores of {matter}s of the week lie far from where {model} learned (stability index {index}).",
        paragraphs=(
            "The scores of {matter}s of the week lie far from where {model} learned: stability index {index}, 0.25 is much.",
            "Look at what was refused and what was let through, and train a challenger.",
        ),
        asides=("What moved furthest: {reason}",),
        button="See models",
        notes=("You are told once a day for as long as it is so.",),
    ),
    Kind.TOP_UP_FAILED: Wording(
        topic=Topic.OPERATIONS,
        subject="A top-up of {amount} failed",
        title="A top-up of {amount} did not arrive",
        notice="{amount} from your bank did not reach your balance at the payment processor.",
        paragraphs=(
            "{amount} from your bank did not reach your balance at the payment processor.",
            "Payouts that wait for it go on waiting.",
        ),
        button="See payouts",
        notes=("The payment processor's desk says why.",),
    ),
    Kind.ACCOUNT_LOST: Wording(
        topic=Topic.OPERATIONS,
        subject="{provider} ended our access to their payout account",
        title="{provider} cannot be paid out any more",
        notice="{provider} ended our access to their account at the payment processor. Their payouts rest.",
        paragraphs=(
            "{provider} ended our access to their account at the payment processor.",
            "Nothing is paid out to them until they connect it again; what they earned stays on their balance.",
        ),
        button="See provider",
        notes=("They were told how to connect it again.",),
    ),
    Kind.PAYOUT_STRANDED: Wording(
        topic=Topic.OPERATIONS,
        subject="A failed payout of {amount} to {provider} is not back",
        title="The money of a failed payout could not be taken back",
        notice="A payout of {amount} to {provider} failed, and the payment processor does not give the money back.",
        paragraphs=(
            "A payout of {amount} to {provider} did not reach their bank.",
            "The payment processor does not give its money back. Here it counts as paid; it is asked for again by itself.",
        ),
        button="See provider",
        notes=("The payment processor's desk shows their balance there and what was taken from it.",),
    ),
    Kind.PAYOUT_WAITS: Wording(
        topic=Topic.OPERATIONS,
        subject="A payout of {amount} to {provider} has waited for days",
        title="A payout waits for your balance at the payment processor",
        notice="A payout of {amount} to {provider} waits: your balance at the payment processor is too low for it.",
        paragraphs=(
            "A payout of {amount} to {provider} was due three days ago or more.",
            "Your balance at the payment processor has been too low for it all the time. It is sent once there is enough.",
        ),
        button="See payout",
        notes=("Top your balance up at the payment processor's desk. After ten days the payout fails.",),
    ),
    Kind.BANK_LOW: Wording(
        topic=Topic.OPERATIONS,
        subject="Your bank account lacks {amount} for payouts",
        title="Your bank account lacks {amount}",
        notice="Payouts in bank files wait for {amount} more than your bank account will hold.",
        paragraphs=(
            "Payouts in bank files wait for {amount} more than lies at your bank and is on its way there.",
            "The payment processor has no more to spare. Bring money to your bank account, or lower what is to stay there.",
        ),
        button="See payouts",
    ),
    Kind.PAYOUT_UNDECIDED: Wording(
        topic=Topic.OPERATIONS,
        subject="The due payout of {provider} cannot be decided",
        title="A due payout cannot be decided",
        notice="The payout of {provider} is due and cannot be decided: {reason}",
        paragraphs=("The payout of {provider} is due, and deciding it was refused: {reason}",),
        button="See provider",
        notes=("It is tried again by itself. Everybody else is paid.",),
    ),
    Kind.DAY_NOT_RECONCILED: Wording(
        topic=Topic.OPERATIONS,
        subject="{day} could not be reconciled",
        title="{day} could not be reconciled",
        notice="The reconciliation of {day} failed {count} times and is tried again by itself.",
        paragraphs=(
            "The reconciliation of {day} failed {count} times. It is tried again by itself, at longer intervals.",
            "Until it is done nobody has held that day against card processor and bank.",
        ),
        button="See the day",
    ),
    Kind.TRANSFER_TAKEN_BACK: Wording(
        topic=Topic.OPERATIONS,
        subject="A transfer to {provider} was taken back at the payment processor's desk",
        title="A transfer was taken back by other hands",
        notice="{amount} that {provider} was paid was taken back at the payment processor's desk. Reconciliation shows it.",
        paragraphs=(
            "Somebody took back a transfer to {provider} at the payment processor, whose payout was on its way or paid.",
            "{amount} are on our balance there and not in our books yet. Reconciliation offers how to book them.",
        ),
        button="See provider",
        notes=("If nobody of you did this, change your passwords and keys at the payment processor.",),
    ),
}

WORDS: dict[tuple[Kind, Audience], Wording] = {
    (kind, Audience.OPERATOR): wording for kind, wording in _OPERATOR.items()
}
