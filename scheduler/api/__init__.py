"""The HTTP API, `/api/v1/` (contract, "HTTP"): each call parses, calls one service or query, and renders."""
