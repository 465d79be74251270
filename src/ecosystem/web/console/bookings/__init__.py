"""Every booking, all about one, and what an operator may do with it."""
