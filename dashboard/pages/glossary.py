"""Glossary: every metric's contract, who answers for it, and from which tables it comes."""

from dashboard.cards.glossary import Glossary
from dashboard.page import Page
from dashboard.view.texts import Text

PAGE = Page("glossary", Text.GLOSSARY, (Glossary("metrics", Text.WHAT_FIGURES_MEAN),))
