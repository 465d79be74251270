"""Names of the banks behind some routing numbers, for the owner to recognise. Unknown ones are shown without a name."""

from __future__ import annotations

# As those banks publish them on their own pages; a hint to the owner, on which nothing depends.
_NAMES = {
    "011401533": "Wells Fargo",
    "021000021": "JPMorgan Chase",
    "021000089": "Citibank",
    "021200339": "Bank of America",
    "026009593": "Bank of America",
    "031176110": "Capital One",
    "031201360": "TD Bank",
    "043000096": "PNC Bank",
    "061000104": "Truist",
    "091000022": "U.S. Bank",
    "111000614": "JPMorgan Chase",
    "121000248": "Wells Fargo",
    "121000358": "Bank of America",
    "122000661": "Bank of America",
    "122105155": "U.S. Bank",
    "124303120": "Green Dot Bank",
    "256074974": "Navy Federal Credit Union",
    "314074269": "USAA",
    "322271627": "JPMorgan Chase",
}


def bank_name(routing_number: str) -> str:
    """The bank's name, empty when it is not known."""
    return _NAMES.get(routing_number, "")
