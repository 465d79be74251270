"""Rates, cancellation policies, health."""
