"""What remedies are made of: cells, initialisers, optimisers, gradient rules."""
