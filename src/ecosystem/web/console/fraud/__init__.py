"""Fraud on the console: cases that wait, rules, models, who may decide."""
