"""Floor 2: readers. Rows become domain values here, in as few queries as a page or a rule needs."""
