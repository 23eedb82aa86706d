"""Sampling: latents from seeds, interpolation, generation, the .keras file, and the files that gan-sample writes."""
