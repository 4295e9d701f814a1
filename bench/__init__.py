"""Speed and memory of the main paths, each as a ratio to a named baseline in the same run: ``make bench``."""
