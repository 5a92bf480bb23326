"""A campaign: what it runs, in which order, and the coordinator that owns its folder."""
