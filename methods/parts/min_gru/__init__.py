"""The layer of minimal gated units, whose gates hear the inputs alone."""
