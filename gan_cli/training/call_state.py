"""The layers of a network that change from call to call in training, or make one example depend on the others.

Such are dropout (it draws random numbers), batch normalisation (moving averages) and spectral normalisation (a step of
power iteration). Two calls of a network that has one are not calls of the same function.
"""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import keras
from gan_cli.models.average_of_w import is_average_of_w


def layers_with_call_state(network: Any) -> list[str]:
    """Returns the names of the layers with variables that training does not train: state that calls update."""
    found = []
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found += layers_with_call_state(layer)
        elif state_of(layer) and not is_average_of_w(layer):
            found.append(layer.name)
    return found


def state_of(layer: Any) -> list[Any]:
    """Returns the variables that calls of a layer in training update. A frozen layer keeps its weights."""
    if layer.trainable:
        return list(layer.non_trainable_variables)
    weights = {id(variable) for variable in layer.weights}
    return [variable for variable in layer.variables if id(variable) not in weights]


def layers_across_batch(network: Any) -> list[str]:
    """Returns the names of the layers that compare the examples of a batch, and so depend on its size."""
    from gan_cli.models.layers.minibatch_std import MinibatchStd  # here, since it loads Keras

    inner = [name for layer in network.layers if isinstance(layer, keras.Model) for name in layers_across_batch(layer)]
    return inner + [layer.name for layer in network.layers if isinstance(layer, MinibatchStd)]


def average_positions(network: Any) -> list[int]:
    """Returns the places of averages of w among a network's weights, in their order."""
    averages = {id(layer.average) for layer in network.layers if is_average_of_w(layer)}
    return [place for place, variable in enumerate(network.weights) if id(variable) in averages]
