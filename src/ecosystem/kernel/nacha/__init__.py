"""Files of the Automated Clearing House, as NACHA's Operating Rules have them: bytes in and values out, and back."""

from ecosystem.kernel.nacha.batches import Sums
from ecosystem.kernel.nacha.changes import CHANGES, Change
from ecosystem.kernel.nacha.classes import CLASSES, EntryClass
from ecosystem.kernel.nacha.drafts import AddendaDraft, BatchDraft, EntryDraft, FileDraft, composed
from ecosystem.kernel.nacha.layouts import LAYOUTS, Field, Layout, Unfit
from ecosystem.kernel.nacha.reading import Reading, read
from ecosystem.kernel.nacha.records import Category, Entry, Item, Record
from ecosystem.kernel.nacha.refusals import Fault, FileRefused
from ecosystem.kernel.nacha.relaxations import PARTIAL_RETURNS, STRICT, WAIVES, Relaxations
from ecosystem.kernel.nacha.returns import RETURNS, By, Of, Reason, Step
from ecosystem.kernel.nacha.rules import RULES
from ecosystem.kernel.nacha.transactions import TRANSACTIONS, Direction, Purpose, Transaction
from ecosystem.kernel.nacha.writing import written

__all__ = [
    "CHANGES",
    "CLASSES",
    "LAYOUTS",
    "PARTIAL_RETURNS",
    "RETURNS",
    "RULES",
    "STRICT",
    "TRANSACTIONS",
    "WAIVES",
    "AddendaDraft",
    "BatchDraft",
    "By",
    "Category",
    "Change",
    "Direction",
    "Entry",
    "EntryClass",
    "EntryDraft",
    "Fault",
    "Field",
    "FileDraft",
    "FileRefused",
    "Item",
    "Layout",
    "Of",
    "Purpose",
    "Reading",
    "Reason",
    "Record",
    "Relaxations",
    "Step",
    "Sums",
    "Transaction",
    "Unfit",
    "composed",
    "read",
    "written",
]
