"""Failures with causes: parts that age and break, what that does to signals, the codes it sets, and the workshop."""
