"""One layer of StyleGAN3's synthesis network: modulated convolution, then leaky ReLU without aliasing.

Karras et al. 2021, arXiv:2106.12423, section 3.2 and appendix C.1. In place of noise and of normalisation of features,
an average of the magnitude of the layer's input keeps activations in bounds.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from gan_cli.models.layers.equalized import EqualizedDense
from gan_cli.models.layers.filtered_leaky_relu import GAIN, SLOPE, filtered_leaky_relu
from gan_cli.models.layers.lowpass_filter import design_lowpass_filter
from gan_cli.models.layers.modulated_convolution import modulated_convolution
from gan_cli.models.stylegan3.layer_schedule import Band, LayerPlan

CLAMP = 256.0
"""Bound of activations, for float16."""


@keras.saving.register_keras_serializable("gan_cli")
class AliasFreeLayer(keras.layers.Layer):
    """From features `[n, *before.size, before.channels]` and all w `[n, layers, size]` to features after it.

    Styles and magnitudes are float32 whatever the compute type.

    Args:
        plan: rates, cutoffs, sizes and channels, a `LayerPlan` or its fields by name.
        place: of the layer's w among all.
        magnitude_half_life: images after which the average of the input's magnitude has lost half its weight.
    """

    def __init__(
        self, plan: LayerPlan | dict[str, Any], place: int, magnitude_half_life: float, **options: Any
    ) -> None:
        super().__init__(autocast=False, **options)
        self.plan = plan if isinstance(plan, LayerPlan) else layer_plan(plan)
        self.place, self.magnitude_half_life = place, magnitude_half_life
        self.affine = EqualizedDense(self.plan.before.channels, bias_start=1.0, dtype="float32", name="affine")
        self.up_taps, self.down_taps = filters(self.plan)

    def build(self, input_shape: Any) -> None:
        plan, normal = self.plan, keras.initializers.RandomNormal(stddev=1.0)
        shape = (plan.kernel_size, plan.kernel_size, plan.before.channels, plan.after.channels)
        self.affine.build((None, input_shape[1][-1]))
        self.kernel = self.add_weight(shape=shape, initializer=normal, name="kernel")
        self.bias = self.add_weight(shape=(plan.after.channels,), initializer="zeros", name="bias")
        self.magnitude = self.add_weight(shape=(), initializer="ones", trainable=False, name="magnitude")

    def call(self, inputs: Any, training: bool = False) -> Any:
        images, w = inputs
        plan = self.plan
        gain = tf.math.rsqrt(self.average_magnitude(images, training))
        kernel, styles = tf.convert_to_tensor(self.kernel), self.affine(tf.cast(w[:, self.place], "float32"))
        if plan.to_rgb:
            styles = styles / math.sqrt(plan.before.channels)
        else:
            # Scales that demodulation takes away again, but which keep float16 in its range. The reference takes the
            # styles of the whole batch together; those of each example let a seed give the same bits in any batch.
            kernel = kernel * tf.math.rsqrt(tf.reduce_mean(tf.square(kernel), axis=[0, 1, 2]))
            styles = styles * tf.math.rsqrt(tf.reduce_mean(tf.square(styles), axis=1, keepdims=True))
        images = tf.cast(images, self.compute_dtype)
        padding = plan.kernel_size - 1
        features = modulated_convolution(images, kernel, styles, not plan.to_rgb, padding=padding, gain=gain)
        return filtered_leaky_relu(
            features,
            self.bias,
            self.up_taps,
            self.down_taps,
            plan.up,
            plan.down,
            plan.padding,
            slope=1.0 if plan.to_rgb else SLOPE,
            gain=1.0 if plan.to_rgb else GAIN,
            clamp=CLAMP,
        )

    def average_magnitude(self, images: Any, training: bool) -> Any:
        """The average of the mean square of the input, moved by that of this batch in training."""
        average = tf.convert_to_tensor(self.magnitude)
        if not (training and self.trainable):
            return average
        current = tf.reduce_mean(tf.square(tf.cast(tf.stop_gradient(images), "float32")))
        keep = tf.pow(0.5, tf.cast(tf.shape(images)[0], "float32") / self.magnitude_half_life)
        average = current + keep * (average - current)
        self.magnitude.assign(average)
        return average

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0][0], *self.plan.after.size, self.plan.after.channels)

    def get_config(self) -> dict[str, Any]:
        plan = json.loads(json.dumps(asdict(self.plan)))  # lists for tuples, which Keras does not give back as such
        own = {"plan": plan, "place": self.place, "magnitude_half_life": self.magnitude_half_life}
        return {**super().get_config(), **own}


def filters(plan: LayerPlan) -> tuple[Any, Any]:
    """The taps of both filters of a layer; None for none."""
    before, after, rate = plan.before, plan.after, plan.activation_rate
    up = design_lowpass_filter(plan.up_taps, before.cutoff, before.half_width * 2, rate) if plan.up > 1 else None
    if plan.down == 1:
        return up, None
    return up, design_lowpass_filter(plan.down_taps, after.cutoff, after.half_width * 2, rate, plan.radial)


def layer_plan(fields: dict[str, Any]) -> LayerPlan:
    """The plan in a description that JSON gave back, where tuples are lists."""
    bands = {}
    for name in ("before", "after"):
        values = dict(fields[name])
        bands[name] = Band(**{**values, "size": tuple(values["size"])})
    return LayerPlan(**{**fields, **bands})
