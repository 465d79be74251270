"""The demo: a marketplace that has lived some weeks, through the same acts and machines as any other.

| file | what |
| --- | --- |
| `beginning.py`, `history.py` | which demo it is, and how it is lived to its end |
| `people.py` | who takes part |
| `odds.py` | how likely people do what |
| `visits.py` | what one customer's visit will be like, drawn by the odds |
| `scenes.py` | visits that are written, so that everything occurs and something is left to do |
| `courses.py` | a visit carried out: book, pay, change, come or not |
| `disputes.py` | a dispute carried out, by customer, provider, operator and bank |
| `newcomers.py` | somebody becomes a provider |
| `paydays.py` | how providers are paid out |
| `office.py` | the operator's rounds |
| `agenda.py` | whose turn it is when |
| `desk.py`, `door.py` | the card processor's desk and pages, and where its webhooks arrive |
| `passage.py` | time passes: clocks are moved to the next instant at which anything happens |
| `progress.py`, `standing.py` | how far it is, and what came of it |
"""
