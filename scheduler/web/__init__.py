"""Floor 4: the staff's pages. A page parses, asks permissions, calls one service or query, and renders."""
