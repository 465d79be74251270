"""Files of the Automated Clearing House, as NACHA's Operating Rules have them: bytes in and values out, and back."""

from ecosystem.adapters.outside.nacha.batches import Sums
from ecosystem.adapters.outside.nacha.changes import CHANGES, Change
from ecosystem.adapters.outside.nacha.classes import CLASSES, EntryClass
from ecosystem.adapters.outside.nacha.drafts import AddendaDraft, BatchDraft, EntryDraft, FileDraft, composed
from ecosystem.adapters.outside.nacha.layouts import LAYOUTS, Field, Layout, Unfit
from ecosystem.adapters.outside.nacha.reading import Reading, read
from ecosystem.adapters.outside.nacha.records import Category, Entry, Item, Record
from ecosystem.adapters.outside.nacha.refusals import Fault, FileRefused
from ecosystem.adapters.outside.nacha.relaxations import PARTIAL_RETURNS, STRICT, WAIVES, Relaxations
from ecosystem.adapters.outside.nacha.returns import RETURNS, Reason, Step
from ecosystem.adapters.outside.nacha.rules import RULES
from ecosystem.adapters.outside.nacha.transactions import TRANSACTIONS, Direction, Purpose, Transaction
from ecosystem.adapters.outside.nacha.writing import written

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
