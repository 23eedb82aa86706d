"""The layers of a network that change from call to call in training, or make one example depend on the others.

Such are dropout (it draws random numbers), batch normalisation (moving averages) and spectral normalisation (a step of
power iteration). Two calls of a network that has one are not calls of the same function.
"""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import keras


def layers_with_call_state(network: Any) -> list[str]:
    """Returns the names of the layers with variables that training does not train: state that calls update."""
    found = []
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found += layers_with_call_state(layer)
        elif layer.non_trainable_variables:
            found.append(layer.name)
    return found
