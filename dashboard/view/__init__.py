"""What is looked at: the address, the published figures, names and words."""
