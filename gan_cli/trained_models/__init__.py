"""From a run directory, checkpoint or .keras file to a Keras model: finding the file, building, assigning weights."""
