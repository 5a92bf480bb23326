"""The layer of rectified linear units, and its compiled passes."""
