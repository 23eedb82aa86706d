"""From what the user typed to typed, checked objects.

    words -> compose (Hydra) -> build (types, targets) -> combinations (across keys) -> start (new or resumed)

Nothing below this room sees a DictConfig, and nothing in it loads TensorFlow.
"""
