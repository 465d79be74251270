"""`ecosystem fraud ...`: simulate, train, evaluate; the figures behind what the product thinks of a checkout."""
