"""Floor 3: the only writers. Keyword-only functions; `now` is passed in; each change, its event, its messages and
the unit-day's version are one transaction."""
