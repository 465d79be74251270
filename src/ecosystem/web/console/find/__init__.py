"""From whatever is in hand to where it leads."""
