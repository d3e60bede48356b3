"""Dead letters: one aggregate a run that has any."""
