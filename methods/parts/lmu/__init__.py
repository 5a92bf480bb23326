"""The Legendre memory unit: a window of the past in fixed polynomials, and units that read it."""
