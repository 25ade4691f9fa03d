"""Floor 0: the rules of scheduling in plain Python. No Django, no input or output, no clock."""
