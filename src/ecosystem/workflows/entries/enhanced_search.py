"""`enhanced-search`: what is asked of the search. The API's resolvers answer it in both deployments."""

from __future__ import annotations

from ecosystem.workflows.triggers import Entry

ENTRY = Entry()
