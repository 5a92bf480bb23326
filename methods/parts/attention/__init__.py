"""Attention over the steps of a sequence, without a recurrence."""
