"""Bytes of a feed to canonical raw rows and rejects. One module per format; what they share is in ``canonical``."""
