"""The coupled oscillators, and their compiled passes."""
