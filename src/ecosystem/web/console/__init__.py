"""The operator's console: everything that happens in the house, and the acts that only an operator may do."""
