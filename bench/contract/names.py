"""Names that more than one room reads."""

TWIN = "_twin"
"""What is added to a variant's name to ask for its twin: `ms11_twin`."""
