"""Looking at a generator: latents from seeds, ways between them, examples, and pictures of the examples.

Only `generate` needs TensorFlow, and imports it at its first call.
"""
