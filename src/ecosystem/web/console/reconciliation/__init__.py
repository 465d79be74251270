"""Reconciliation: what ledger, processor and bank differ over, and what is done about it."""
