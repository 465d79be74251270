"""The audit log, its proofs and checkpoints."""
