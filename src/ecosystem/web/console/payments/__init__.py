"""Payments as they come in and go back, for operators."""
