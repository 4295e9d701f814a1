"""Glossary: every metric's contract, who answers for it, and from which tables it comes."""

from dashboard.cards.glossary import Glossary
from dashboard.page import Page

PAGE = Page("glossary", "Glossary", (Glossary("metrics", "What every figure means"),))
