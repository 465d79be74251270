"""Ecosystem: an open marketplace for services."""
