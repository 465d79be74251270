"""The command line's acts: each reads its arguments, opens what it needs, and says what it did."""
