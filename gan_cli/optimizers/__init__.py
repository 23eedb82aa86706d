"""Optimizers (`optimizer=...`), one a file, each a frozen dataclass.

The contract:

- `for_generator()` and `for_discriminator()` each make a new Keras optimizer; the two never share a variable.
- `generator_rate(step)` and `discriminator_rate(step)` give the learning rate of a step (counted in generator
  updates, from 0), to be assigned before the update. They are TensorFlow functions, so a graph or an XLA program can
  hold them.
- What every optimizer has in common (rates, schedule, clipping of gradients) is in `optimizer.Optimizer`; a file adds
  its own numbers and `create`.
"""
