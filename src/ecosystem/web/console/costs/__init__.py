"""What rails for money cost."""
