"""Files of the clearing house, what comes back, and the bank."""
