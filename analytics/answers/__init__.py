"""What analysts are answered: all of one data cut, each answer beside every one before, whichever process gives it."""
