"""Events, and what became of those that something could not take."""
