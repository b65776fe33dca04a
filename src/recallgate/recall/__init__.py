"""Recall: who has lapsed, who is worth calling back, with what offer, through which play, and against which holdout."""
