"""A layer whose recurrent matrix is orthogonal, and the optimiser that keeps it so."""
