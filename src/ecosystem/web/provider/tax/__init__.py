"""The provider's tax details."""
