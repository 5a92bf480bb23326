"""The cell with exponential gates, and its compiled passes."""
