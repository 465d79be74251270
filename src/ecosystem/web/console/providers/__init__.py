"""Providers and their services."""
