"""The audit log: what was done with money, privileges, keys, rules and content, in an order that nobody can change."""

from ecosystem.contexts.audit import proving
from ecosystem.contexts.audit.acts import Acts
from ecosystem.contexts.audit.checkpoints import (
    Signer,
    Statement,
    Unsigned,
    note,
    public_key_of,
    signers,
    statement,
    verifier_key,
)
from ecosystem.contexts.audit.entries import Candidate, CandidateReader, Entry, canonical
from ecosystem.contexts.audit.explorer import Explorer, Found, NotYetSigned, Placed, Wanted
from ecosystem.contexts.audit.findings import Finding, Report, Wrong
from ecosystem.contexts.audit.log import Checkpoint, LogDamaged, LogReader, NotEntered
from ecosystem.contexts.audit.proving import NotProven, Proof, Proven
from ecosystem.contexts.audit.salts import Salts
from ecosystem.contexts.audit.sequencer import Lag, LogBusy, Sequencer
from ecosystem.contexts.audit.vectors import Verdict, verdict
from ecosystem.contexts.audit.verify import Verifier
from ecosystem.ports.audit import Act, AuditKind

__all__ = [
    "Act",
    "Acts",
    "AuditKind",
    "Candidate",
    "CandidateReader",
    "Checkpoint",
    "Entry",
    "Explorer",
    "Finding",
    "Found",
    "Lag",
    "LogBusy",
    "LogDamaged",
    "LogReader",
    "NotEntered",
    "NotProven",
    "NotYetSigned",
    "Placed",
    "Proof",
    "Proven",
    "Report",
    "Salts",
    "Sequencer",
    "Signer",
    "Statement",
    "Unsigned",
    "Verdict",
    "Verifier",
    "Wanted",
    "Wrong",
    "canonical",
    "note",
    "proving",
    "public_key_of",
    "signers",
    "statement",
    "verdict",
    "verifier_key",
]
