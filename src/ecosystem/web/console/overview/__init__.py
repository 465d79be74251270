"""How the marketplace is doing."""
