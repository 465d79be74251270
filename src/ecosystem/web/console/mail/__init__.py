"""What was mailed."""
