"""The ledger, from accounts down to transfers, and whether it holds."""
