"""Where Django's own ways to write numbers and days would mislead: short days are those of lists, in any country."""
