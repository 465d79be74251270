"""The named keys, as operators see them."""
