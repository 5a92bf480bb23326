"""The gated recurrent unit, and its compiled passes."""
