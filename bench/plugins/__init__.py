"""Finding plugins: the registry, what is wrong with one, combinations, and the hash of their code."""
