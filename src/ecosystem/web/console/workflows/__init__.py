"""Workflows as operators see them: executions, functions, rules, schedules, the archive."""
