"""What members see of their money, and what they do with it."""
