"""The server around the app: middleware, routes, freshness, faults."""
