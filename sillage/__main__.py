"""``python -m sillage``."""

from sillage import main

main()
