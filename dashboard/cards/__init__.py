"""Kinds of card, one module each: what it asks, the rows behind it, and how it is drawn."""
