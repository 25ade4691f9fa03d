"""The scheduling service of a migraine infusion center. DESIGN: floors import only floors below."""
