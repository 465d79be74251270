"""What people are told, in the product and by mail: once for each event, in their own zone."""

from ecosystem.contexts.notifications.kinds import Audience, Kind, Topic
from ecosystem.contexts.notifications.letters import (
    Letter,
    LetterStatus,
    LetterView,
    NoMailServer,
    NoSuchLetter,
    NothingToRepeat,
    Outbox,
)
from ecosystem.contexts.notifications.messages import (
    Brand,
    Message,
    NothingToSay,
    PriceLine,
    Recipient,
    told_id,
)
from ecosystem.contexts.notifications.notices import AlreadyTold, Notice, NoticeBoard, NoticeId, Notices
from ecosystem.contexts.notifications.notifications import Notifications
from ecosystem.contexts.notifications.postman import Postman
from ecosystem.contexts.notifications.preferences import AlwaysMailed, PreferenceBook, Preferences
from ecosystem.contexts.notifications.wording import FactMissing, Known

__all__ = [
    "AlreadyTold",
    "AlwaysMailed",
    "Audience",
    "Brand",
    "FactMissing",
    "Kind",
    "Known",
    "Letter",
    "LetterStatus",
    "LetterView",
    "Message",
    "NoMailServer",
    "NoSuchLetter",
    "NothingToRepeat",
    "NothingToSay",
    "Notice",
    "NoticeBoard",
    "NoticeId",
    "Notices",
    "Notifications",
    "Outbox",
    "Postman",
    "PreferenceBook",
    "Preferences",
    "PriceLine",
    "Recipient",
    "Topic",
    "told_id",
]
