"""Pictures of arrays: image grids, animations, scatter plots. Knows neither models nor runs."""
