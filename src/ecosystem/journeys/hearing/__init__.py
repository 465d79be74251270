"""What the card processor tells of its own accord: each stored event is acted upon, once in effect.

`reactions.py` is the table of every type of event and what follows from it; the modules beside it are the reactions.
"""

from __future__ import annotations

from ecosystem.journeys.hearing.hearing import ATTEMPTS_MAX, Hearing
from ecosystem.journeys.hearing.reach import ACTOR, Reach
from ecosystem.journeys.hearing.reactions import REACTIONS, SUBSCRIBED, Reaction, RecordOnly

__all__ = ["ACTOR", "ATTEMPTS_MAX", "REACTIONS", "SUBSCRIBED", "Hearing", "Reach", "Reaction", "RecordOnly"]
