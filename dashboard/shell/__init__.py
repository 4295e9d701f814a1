"""The frame around every page: navigation, filters, and what stands in place of a page."""
