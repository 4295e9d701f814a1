"""The ground floor: where tables live and what they look like. It knows none of the other rooms."""
