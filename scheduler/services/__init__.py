"""Floor 3: the only writers. Verb in module: `booking.book(...)`. Keyword-only; `now` is passed in."""
