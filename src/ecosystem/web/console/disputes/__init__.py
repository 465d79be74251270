"""Disputes: what waits for a decision, both sides of each, and the decision."""
