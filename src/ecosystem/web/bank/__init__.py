"""Bank accounts on pages: one form and one list, for providers who are paid and for customers who pay."""
