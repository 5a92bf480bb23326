"""The cell of long expressive memory, and its compiled passes."""
