"""The names of the ways in which gan-sample takes latents (`method`), and which of them take steps."""

from __future__ import annotations

PLAIN, REJECTION, METROPOLIS_HASTINGS = "plain", "rejection", "metropolis_hastings"
LATENT_OPTIMIZATION, LANGEVIN = "latent_optimization", "langevin"
METHODS = (PLAIN, REJECTION, METROPOLIS_HASTINGS, LATENT_OPTIMIZATION, LANGEVIN)
WITH_STEPS = (REJECTION, METROPOLIS_HASTINGS, LANGEVIN)
"""Methods with candidates or steps, whose number is `method_steps`."""
OF_DENSITY_RATIOS = WITH_STEPS
"""Methods that take a logit for the logarithm of the density of real examples over that of generated ones."""
STEPS = 64
"""Where `method_steps` says none."""
