"""The bank account that a provider is paid to."""
