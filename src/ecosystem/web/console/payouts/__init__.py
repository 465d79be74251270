"""Payouts, and what providers owe, for operators."""
