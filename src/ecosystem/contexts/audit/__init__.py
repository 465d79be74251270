"""The audit log: what was done with money, privileges, keys, rules and content, in an order that nobody can change."""

from ecosystem.contexts.audit.acts import Acts
from ecosystem.ports.audit import Act, AuditKind

__all__ = ["Act", "Acts", "AuditKind"]
