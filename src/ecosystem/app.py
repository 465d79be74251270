"""The product: every service and journey, built from the ports. Knows no deployment and no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from ecosystem.contexts.ach import ENVELOPED as ACH_ENVELOPED
from ecosystem.contexts.ach import Ach
from ecosystem.contexts.ach import Purpose as EntryPurpose
from ecosystem.contexts.audit import Acts, Salts, Signer, verifier_key
from ecosystem.contexts.audit import Explorer as AuditExplorer
from ecosystem.contexts.audit import LogReader as AuditLog
from ecosystem.contexts.audit import Sequencer as AuditSequencer
from ecosystem.contexts.audit import Verifier as AuditVerifier
from ecosystem.contexts.bank_accounts import BankAccount, BankAccounts
from ecosystem.contexts.booking import Availability, Bookings, Calendar, Feeds, Holds, OutsideCalendars, Plans, Policies
from ecosystem.contexts.catalogue import Intake, MediaLibrary, Providers, Publishing, Services, Shelf, Standings
from ecosystem.contexts.disputes import BundlePiece, Bundles, Disputes, RuleBook
from ecosystem.contexts.fraud import Assessments, Learning, PolicyBook, Reviewers
from ecosystem.contexts.identity import Identity
from ecosystem.contexts.insights import Figures, Inspections, Tally
from ecosystem.contexts.keyring import KeyRings, UsedKeys
from ecosystem.contexts.ledger import Ledger, Sequencer, Statements, Tariff, chart
from ecosystem.contexts.notifications import Brand, Notifications
from ecosystem.contexts.payments import (
    Comparisons,
    Mandate,
    Mandates,
    Payments,
    PayoutAccountBook,
    Refunds,
    Wallets,
    Webhooks,
)
from ecosystem.contexts.payouts import (
    PayoutBook,
    PayoutPlans,
    PayoutRuleBook,
    ReceivableBook,
    TaxBook,
    TaxRecord,
    WithdrawalBook,
)
from ecosystem.contexts.rails import Costs
from ecosystem.contexts.reconciliation import Discrepancies, Runs
from ecosystem.contexts.search import Indexer
from ecosystem.journeys import fraud_news
from ecosystem.journeys.acceptance import Acceptance
from ecosystem.journeys.access import Access
from ecosystem.journeys.ach_apart import Apart
from ecosystem.journeys.ach_causes import AccountsNews, Causes, PayoutCause, VerificationCause
from ecosystem.journeys.ach_dishonors import Dishonoring
from ecosystem.journeys.ach_hearing import AchHearing
from ecosystem.journeys.ach_origination import AchOrigination
from ecosystem.journeys.adopting import Adopting
from ecosystem.journeys.alarms import Alarms
from ecosystem.journeys.auditing import Auditing
from ecosystem.journeys.auditing import read as auditing_read
from ecosystem.journeys.bank_debits import BankDebits
from ecosystem.journeys.bank_keeping import BankKeeping
from ecosystem.journeys.bank_notices import BankNotices
from ecosystem.journeys.calendars import Calendars
from ecosystem.journeys.card_keeping import CardKeeping
from ecosystem.journeys.casework import Casework
from ecosystem.journeys.checkout import Checkout
from ecosystem.journeys.claiming import Claiming
from ecosystem.journeys.closing import Closing
from ecosystem.journeys.comparing import comparing
from ecosystem.journeys.counting import Counting
from ecosystem.journeys.disputes import Disputing
from ecosystem.journeys.dossiers import Dossiers
from ecosystem.journeys.earnings import Earnings
from ecosystem.journeys.earnings_years import EarningsYears
from ecosystem.journeys.evidence import EvidenceBundling
from ecosystem.journeys.executions import Watching
from ecosystem.journeys.explorer import Explorer
from ecosystem.journeys.failed_refunds import FailedRefunds
from ecosystem.journeys.filling import BankFilling
from ecosystem.journeys.fraud_models import FraudModels
from ecosystem.journeys.guest_links import GuestLinks
from ecosystem.journeys.happenings import Happenings
from ecosystem.journeys.hearing import Hearing, Reach
from ecosystem.journeys.importing import Importing
from ecosystem.journeys.lookups import Lookups
from ecosystem.journeys.missed_events import MissedEvents
from ecosystem.journeys.offering import Offering
from ecosystem.journeys.onboarding import Onboarding
from ecosystem.journeys.oversight import Oversight
from ecosystem.journeys.payout_accounts import PayoutAccounts
from ecosystem.journeys.payout_bank import BankPayouts
from ecosystem.journeys.payout_destinations import Destinations
from ecosystem.journeys.payout_holds import PayoutHolds
from ecosystem.journeys.payout_news import PayoutNewsTelling
from ecosystem.journeys.payout_outlook import Outlooks
from ecosystem.journeys.payout_passage import PayoutPassage
from ecosystem.journeys.payout_processor import ProcessorPayouts
from ecosystem.journeys.payout_settings import PayoutSettings
from ecosystem.journeys.payouts import PayingOut
from ecosystem.journeys.processor_fees import ProcessorFees
from ecosystem.journeys.receivables import ReceivableFollower, Receivables
from ecosystem.journeys.reconciliation_files import Collecting, DayFiles
from ecosystem.journeys.reconciling import Reconciling
from ecosystem.journeys.refunding import Refunding
from ecosystem.journeys.repairing import Repairing
from ecosystem.journeys.screening import Screening
from ecosystem.journeys.settlement import Settlement
from ecosystem.journeys.sweep import Sweep
from ecosystem.journeys.tax import Tax
from ecosystem.journeys.telling import Telling
from ecosystem.journeys.timelines import Timelines
from ecosystem.journeys.unheard_payments import UnheardPayments
from ecosystem.journeys.verification import Verifying
from ecosystem.journeys.welcoming import Welcoming
from ecosystem.journeys.withdrawals import Withdrawing
from ecosystem.ports import Ports
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.signing import Signatures
from ecosystem.ports.table import Table
from ecosystem.ports.witness import Witness

ENVELOPED = (BankAccount, BundlePiece, Mandate, TaxRecord, *ACH_ENVELOPED)
"""Every stored struct that holds envelopes: rotation re-wraps what lies in these."""
UNNAMED = Brand(name="Ecosystem", url="http://127.0.0.1:8000")


@dataclass(frozen=True, slots=True)
class App:
    """What the faces call."""

    ports: Ports
    # contexts
    key_rings: KeyRings
    bank_accounts: BankAccounts
    mandates: Mandates
    ach: Ach
    acts: Acts
    audit: AuditSequencer
    audit_explorer: AuditExplorer
    identity: Identity
    providers: Providers
    services: Services
    publishing: Publishing
    standings: Standings
    shelf: Shelf
    media: MediaLibrary
    plans: Plans
    outside_calendars: OutsideCalendars
    policies: Policies
    availability: Availability
    holds: Holds
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    webhooks: Webhooks
    disputes: Disputes
    dispute_rules: RuleBook
    payouts: PayoutBook
    payout_plans: PayoutPlans
    payout_rules: PayoutRuleBook
    ledger: Ledger
    statements: Statements
    tariff: Tariff
    sequencer: Sequencer
    indexer: Indexer
    notifications: Notifications
    figures: Figures
    tally: Tally
    inspections: Inspections
    rail_costs: Costs
    reconciliations: Runs
    discrepancies: Discrepancies
    fraud_policies: PolicyBook
    assessments: Assessments
    learning: Learning
    reviewers: Reviewers
    # journeys
    access: Access
    telling: Telling
    alarms: Alarms
    timelines: Timelines
    calendars: Calendars
    importing: Importing
    links: GuestLinks
    claiming: Claiming
    offering: Offering
    onboarding: Onboarding
    welcoming: Welcoming
    payout_accounts: PayoutAccounts
    paying_out: PayingOut
    payout_passage: PayoutPassage
    bank_payouts: BankPayouts
    bank_filling: BankFilling
    processor_payouts: ProcessorPayouts
    originating: AchOrigination
    hearing_bank: AchHearing
    payout_settings: PayoutSettings
    payout_news: PayoutNewsTelling
    tax: Tax
    processor_fees: ProcessorFees
    withdrawing: Withdrawing
    receivables: Receivables
    receivable_follower: ReceivableFollower
    earnings: Earnings
    earnings_years: EarningsYears
    screening: Screening
    casework: Casework
    card_keeping: CardKeeping
    fraud_models: FraudModels
    checkout: Checkout
    bank_debits: BankDebits
    bank_keeping: BankKeeping
    bank_notices: BankNotices
    acceptance: Acceptance
    closing: Closing
    disputing: Disputing
    refunding: Refunding
    failed_refunds: FailedRefunds
    hearing: Hearing
    missed_events: MissedEvents
    reconciling: Reconciling
    repairing: Repairing
    sweep: Sweep
    verifying: Verifying
    oversight: Oversight
    happenings: Happenings
    dossiers: Dossiers
    evidence: EvidenceBundling
    executions: Watching
    explorer: Explorer
    lookups: Lookups

    @classmethod
    def of(cls, ports: Ports, brand: Brand = UNNAMED) -> Self:
        """The product over these ports. `brand` is the marketplace as mails and authenticator apps name it."""
        table, clock, entropy, cards = ports.table, ports.clock, ports.entropy, ports.cards
        used_keys = UsedKeys(ports.keys, table, clock)
        plans, policies, calendar = Plans(table, clock), Policies(table, clock), Calendar(table)
        availability = Availability(plans, calendar, clock)
        holds = Holds(table, clock, plans, calendar)
        bookings = Bookings(table, clock, calendar, plans, holds, policies)
        payments, refunds = Payments(table), Refunds(table)
        webhooks = Webhooks(table, clock, ports.webhook_secrets)
        ledger, tariff = Ledger(table, clock, chart.account), Tariff(table, clock)
        statements, links = Statements(table, ledger), GuestLinks(ports.guest_link_key)
        services, providers = Services(table, clock), Providers(table, clock)
        offering = Offering(services, plans, availability, tariff, ports.cards)
        disputes, dispute_rules = Disputes(table), RuleBook(table, clock)
        settlement = Settlement(table, clock, bookings, payments, refunds, disputes, ledger)
        fraud_policies, assessments, reviewers = PolicyBook(table, clock), Assessments(table), Reviewers(table, clock)
        screening = Screening(table, clock, ports.seal, ports.scoring, ports.blobs, fraud_policies, assessments)
        card_keeping = CardKeeping(table, clock, cards, ports.saved_cards, payments, Wallets(table))
        bank_accounts, mandates = BankAccounts(table, used_keys, clock, entropy), Mandates(table, used_keys)
        ach = Ach.of(table, clock, used_keys, ports.bank)
        bank_debits = _debits(ports, brand, bank_accounts, ach, mandates, settlement)
        checkout = Checkout(
            table,
            clock,
            cards,
            offering,
            holds,
            bookings,
            payments,
            tariff,
            settlement,
            links,
            screening,
            bank_debits,
            card_keeping,
        )
        acceptance = Acceptance(table, clock, cards, bookings, payments, settlement, bank_debits)
        closing = Closing(table, clock, entropy, bookings, payments, ledger, settlement, checkout, bank_debits)
        disputing = Disputing(table, clock, cards, bookings, payments, disputes, dispute_rules, closing)
        refunding = Refunding(table, clock, cards, bookings, payments, refunds, ledger, settlement, bank_debits)
        adopting = Adopting(table, clock, cards, bookings, payments, refunds, ledger, settlement)
        identity = Identity.of(
            table,
            clock,
            entropy,
            passwords=ports.passwords,
            codes=ports.codes,
            tokens=ports.tokens,
            seal=ports.seal,
            issuer=brand.name,
        )
        notifications = Notifications.of(table, clock, press=ports.press, mailer=ports.mailer, brand=brand)
        payout_accounts = PayoutAccounts(
            table, clock, ports.accounts, providers, identity.profiles, PayoutAccountBook(table), notifications
        )
        payouts, payout_plans, payout_rules = PayoutBook(table), PayoutPlans(table), PayoutRuleBook(table, clock)
        outlooks = Outlooks(
            clock,
            providers,
            identity.profiles,
            ledger,
            statements,
            payouts,
            payout_plans,
            payout_rules,
            Destinations(payout_accounts.book, bank_accounts, clock),
            cards,
        )
        passage, holding = (
            PayoutPassage(table, clock, payouts, payout_plans, ledger, ach.entries),
            PayoutHolds(providers, payout_plans),
        )
        casework = Casework(
            table,
            clock,
            bookings,
            assessments,
            fraud_policies,
            reviewers,
            screening,
            acceptance,
            closing,
            passage,
            providers,
            identity.people,
            identity.profiles,
        )
        receivables, earnings = ReceivableBook(table), Earnings(clock, providers, bookings, ledger, statements)
        withdrawing = Withdrawing(table, clock, ports.transfers, cards, WithdrawalBook(table), ledger)
        alarms = Alarms(
            bookings,
            refunds,
            disputes,
            providers,
            identity.people,
            identity.profiles,
            notifications,
            ports.workflows,
        )
        processor_payouts = ProcessorPayouts(clock, ports.transfers, payouts, passage, alarms, holding)
        publishing, standings = Publishing(services), Standings(providers)
        figures, happenings = Figures(table), Happenings(table, clock)
        onboarding = Onboarding(identity.people, identity.profiles, providers, services, publishing, standings, plans)
        reach = Reach(
            table,
            cards,
            ports.transfers,
            payments,
            ledger,
            settlement,
            refunding,
            adopting,
            casework,
            card_keeping,
            payout_accounts,
            processor_payouts,
            withdrawing,
            processor_fees := ProcessorFees(table, clock, ports.transfers, ledger, providers),
            alarms,
        )
        hearing, acts, auditing = (
            Hearing(table, clock, webhooks, reach),
            Acts(table, clock, entropy),
            Auditing(table, ledger),
        )
        audit = AuditSequencer(
            table,
            clock,
            Salts(table, clock, entropy),
            auditing_read,
            auditing.everything,
            origin=f"{urlsplit(brand.url).netloc}/audit",
            signer=ports.keys,
            witness=ports.witness,
        )
        counting, people, outbox = Counting(table, services), identity.people, notifications.outbox
        bank_payouts, verification = (
            BankPayouts(clock, payouts, passage, holding),
            VerificationCause(bank_accounts, ledger),
        )
        causes = Causes(
            {
                EntryPurpose.PAYOUT: PayoutCause(bank_payouts),
                EntryPurpose.DEBIT: bank_debits,
                EntryPurpose.REFUND: bank_debits,
                EntryPurpose.PRENOTE: verification,
                EntryPurpose.MICRO_CREDIT: verification,
                EntryPurpose.MICRO_DEBIT: verification,
                EntryPurpose.DISHONOR: Dishonoring(ach.entries, ledger),
            }
        )
        originating = AchOrigination(
            table,
            clock,
            ach.entries,
            ach.originators,
            ach.building,
            ach.delivering,
            ach.returns,
            bank_payouts,
            bank_accounts,
            causes,
            Apart(clock, ach.returns),
        )
        hearing_bank = AchHearing(
            table,
            clock,
            ports.bank,
            ach.inbox,
            ach.vault,
            ach.entries,
            ach.traces,
            ach.returns,
            ach.statements,
            ach.delivering,
            originating,
            causes,
            AccountsNews(bank_accounts),
            ledger,
            Dishonoring(ach.entries, ledger),
        )
        evidence = _evidence(
            ports,
            brand,
            used_keys,
            disputes,
            Dossiers(bookings, payments, refunds, ledger, statements, providers, people, outbox, happenings, acts),
            AuditExplorer(AuditLog(table), audit.salts, auditing.find),
        )
        return cls(
            ports=ports,
            acts=acts,
            key_rings=KeyRings(table, used_keys, clock, ENVELOPED, beside=(ports.seal,)),
            bank_accounts=bank_accounts,
            bank_debits=bank_debits,
            bank_keeping=BankKeeping(bank_accounts, providers),
            bank_notices=BankNotices(bank_accounts, identity.profiles, notifications),
            mandates=mandates,
            audit=audit,
            audit_explorer=evidence.explorer,
            ach=ach,
            identity=identity,
            providers=providers,
            services=services,
            publishing=publishing,
            standings=standings,
            shelf=Shelf(table),
            media=MediaLibrary(table, ports.blobs, ports.images, clock, entropy),
            plans=plans,
            outside_calendars=OutsideCalendars(table, clock, plans, ports.calendars, ports.seal),
            policies=policies,
            availability=availability,
            holds=holds,
            bookings=bookings,
            payments=payments,
            refunds=refunds,
            webhooks=webhooks,
            disputes=disputes,
            dispute_rules=dispute_rules,
            payouts=payouts,
            payout_plans=payout_plans,
            payout_rules=payout_rules,
            ledger=ledger,
            statements=statements,
            tariff=tariff,
            sequencer=Sequencer(table, clock),
            indexer=Indexer(table=table, index=ports.search, source=Shelf(table), clock=clock),
            notifications=notifications,
            figures=figures,
            tally=Tally(table, clock, counting.read, counting.inventory),
            inspections=Inspections(table, clock, ports.inspector),
            rail_costs=Costs(),
            reconciliations=Runs(table),
            discrepancies=Discrepancies(table),
            access=Access(table, identity, notifications),
            importing=Importing(table, clock, Intake(table, clock, entropy), services, plans, identity.people.owner_of),
            telling=Telling(bookings, payments, disputes, providers, identity.profiles, notifications, links, mandates),
            alarms=alarms,
            timelines=evidence.timelines,
            calendars=Calendars(ports.guest_link_key, brand, Feeds(table, clock), bookings, providers, links, clock),
            links=links,
            claiming=Claiming(bookings, links),
            offering=offering,
            onboarding=onboarding,
            welcoming=Welcoming(onboarding, identity.profiles, notifications),
            payout_accounts=payout_accounts,
            paying_out=PayingOut(
                table, clock, ledger, payouts, payout_plans, outlooks, passage, screening, bank_accounts, alarms
            ),
            payout_passage=passage,
            processor_payouts=processor_payouts,
            bank_payouts=bank_payouts,
            bank_filling=BankFilling(clock, payout_rules, bank_payouts, withdrawing, ledger, alarms),
            originating=originating,
            hearing_bank=hearing_bank,
            payout_settings=PayoutSettings(table, clock, payout_plans, outlooks),
            payout_news=PayoutNewsTelling(payouts, providers, identity.profiles, notifications),
            tax=Tax(clock, outlooks, TaxBook(table, used_keys)),
            processor_fees=processor_fees,
            withdrawing=withdrawing,
            receivables=Receivables(table, clock, providers, ledger, statements, receivables),
            receivable_follower=ReceivableFollower(table, clock, receivables),
            earnings=earnings,
            earnings_years=EarningsYears(earnings, ledger),
            fraud_policies=fraud_policies,
            assessments=assessments,
            learning=Learning(table, clock, fraud_news.read),
            reviewers=reviewers,
            screening=screening,
            casework=casework,
            card_keeping=card_keeping,
            fraud_models=FraudModels(table, clock, ports.blobs, screening, fraud_policies, assessments),
            checkout=checkout,
            acceptance=acceptance,
            closing=closing,
            disputing=disputing,
            refunding=refunding,
            failed_refunds=FailedRefunds(table, clock, bookings, payments, refunds, ledger, refunding),
            hearing=hearing,
            missed_events=MissedEvents(
                table,
                clock,
                ports.accounts,
                webhooks,
                Comparisons(table),
                hearing,
                payments,
                refunds,
                payouts,
                withdrawing.book,
            ),
            reconciling=Reconciling(
                table,
                clock,
                Runs(table),
                Discrepancies(table),
                Collecting(clock, ports.transfers, payouts, ach, DayFiles(ports.blobs)),
                comparing(table, clock, DayFiles(ports.blobs), ach.entries),
                ports.comparer,
            ),
            repairing=Repairing(
                table,
                clock,
                cards,
                ledger,
                Discrepancies(table),
                settlement,
                adopting,
                processor_payouts,
                hearing_bank,
                UnheardPayments(cards, payments, settlement),
            ),
            sweep=Sweep(
                table,
                clock,
                holds,
                bookings,
                payments,
                refunds,
                webhooks,
                checkout,
                acceptance,
                closing,
                refunding,
                hearing,
                disputes,
                disputing,
                alarms,
                processor_payouts,
                passage,
                withdrawing,
                evidence,
            ),
            verifying=verifying(table, clock),
            oversight=Oversight(providers, statements, tariff),
            happenings=happenings,
            executions=Watching(ports.workflows, bookings, providers, disputing, acts),
            dossiers=evidence.dossiers,
            evidence=evidence,
            explorer=Explorer(ledger, statements, bookings, providers, figures, acts),
            lookups=Lookups(bookings, people, providers, services, ledger, outbox, happenings, ports.search),
        )


@dataclass(frozen=True, slots=True)
class Auditors:
    """Who reads the audit log beside the process that serves."""

    explorer: AuditExplorer
    verifier: AuditVerifier

    async def verifier_keys(self) -> list[str]:
        """The keys that its checkpoints are verified with; none before there is a log."""
        head = await self.explorer.log.head()
        return [verifier_key(head.value.origin, each.public_key) for each in self.verifier.trusted] if head else []


def auditors(
    table: Table,
    clock: Clock,
    entropy: Entropy,
    *,
    signatures: Signatures,
    trusted: tuple[Signer, ...],
    witness: Witness | None,
    origin: str = "",
    least: int = 0,
) -> Auditors:
    """Reading the audit log alone: it needs a table to read, and the public keys that may have signed, oldest first.

    `origin` is whose log it has to be and `least` how long, where the asker knows.
    """
    auditing = Auditing(table, Ledger(table, clock, chart.account))
    log, salts = AuditLog(table), Salts(table, clock, entropy)
    return Auditors(
        AuditExplorer(log, salts, auditing.find),
        AuditVerifier(log, salts, auditing.everything, clock, signatures, trusted, witness, origin=origin, least=least),
    )


def _debits(
    ports: Ports, brand: Brand, accounts: BankAccounts, ach: Ach, mandates: Mandates, settlement: Settlement
) -> BankDebits:
    """Bank debits: they join what the settlement of payments knows with entries of the clearing house."""
    return BankDebits(
        table=ports.table,
        clock=ports.clock,
        brand=brand.name,
        accounts=accounts,
        mandates=mandates,
        entries=ach.entries,
        originators=ach.originators,
        bookings=settlement.bookings,
        payments=settlement.payments,
        refunds=settlement.refunds,
        ledger=settlement.ledger,
        settlement=settlement,
        inbox=ach.inbox,
        apart=Apart(ports.clock, ach.returns),
    )


def _evidence(
    ports: Ports, brand: Brand, keys: UsedKeys, disputes: Disputes, dossiers: Dossiers, explorer: AuditExplorer
) -> EvidenceBundling:
    """Evidence: it joins what is known of a booking with the proofs of the audit log."""
    return EvidenceBundling(
        table=ports.table,
        clock=ports.clock,
        cards=ports.cards,
        typesetter=ports.typesetter,
        bookings=dossiers.bookings,
        disputes=disputes,
        bundles=Bundles(ports.table, keys),
        timelines=Timelines(ports.table, dossiers.bookings, disputes),
        dossiers=dossiers,
        explorer=explorer,
        acts=dossiers.acts,
        brand=brand,
    )


def verifying(table: Table, clock: Clock) -> Verifying:
    """Verification alone: it needs nothing but a table to read."""
    plans, calendar = Plans(table, clock), Calendar(table)
    holds = Holds(table, clock, plans, calendar)
    bookings = Bookings(table, clock, calendar, plans, holds, Policies(table, clock))
    ledger = Ledger(table, clock, chart.account)
    return Verifying(table, clock, bookings, Payments(table), Refunds(table), ledger, PayoutBook(table))
