"""From seeds to pictures: latents, ways between them, trained generators, grids and animations."""
