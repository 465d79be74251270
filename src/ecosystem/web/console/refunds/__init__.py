"""Refunds that failed, and what follows them."""
