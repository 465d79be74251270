"""What the card processor told."""
