"""The Hessian-free optimiser: curvature products, conjugate gradient, damping."""
