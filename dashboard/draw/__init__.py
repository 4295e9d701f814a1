"""Figures and pieces of pages, pure: rows in, figures out. Nothing here knows the app."""
