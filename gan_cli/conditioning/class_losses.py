"""Losses of class logits: cross-entropy and hinge, in the forms of the auxiliary classifiers.

Pure functions of float logits `[n, classes]` and int labels `[n]`; each returns a scalar.
"""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import tf


def cross_entropy(logits: Any, labels: Any, smoothing: float = 0.0) -> Any:
    """Mean of -log softmax(logits)[label]; with smoothing s the target is (1 - s) one-hot + s / classes."""
    log_probabilities = tf.nn.log_softmax(logits, axis=1)
    classes = logits.shape[1]
    target = (1.0 - smoothing) * tf.one_hot(labels, classes, dtype=logits.dtype) + smoothing / classes
    return -tf.reduce_mean(tf.reduce_sum(target * log_probabilities, axis=1))


def at_label(logits: Any, labels: Any) -> Any:
    """The logit of each label, `[n]`."""
    return tf.reduce_sum(logits * tf.one_hot(labels, logits.shape[1], dtype=logits.dtype), axis=1)


def others(logits: Any, labels: Any) -> Any:
    """1 for the logits of other classes than the label, 0 for that of the label: `[n, classes]`."""
    return 1.0 - tf.one_hot(labels, logits.shape[1], dtype=logits.dtype)


def class_hinge(logits: Any, labels: Any) -> Any:
    """Mean over examples and other classes k of max(0, 1 - l_y + l_k) (houliangict/adcgan)."""
    margins = tf.nn.relu(1.0 - at_label(logits, labels)[:, None] + logits)
    return mean_over_others(margins, logits, labels)


def class_margin(logits: Any, labels: Any) -> Any:
    """Mean over examples and other classes k of l_k - l_y, the generator's side of `class_hinge`."""
    return mean_over_others(logits - at_label(logits, labels)[:, None], logits, labels)


def mean_over_others(values: Any, logits: Any, labels: Any) -> Any:
    count = tf.cast(tf.shape(logits)[0] * (logits.shape[1] - 1), logits.dtype)
    return tf.reduce_sum(values * others(logits, labels)) / count


def class_hinge_of_all(logits: Any, labels: Any) -> Any:
    """As `class_hinge`, with the label's own class among the others (batmanlab/twin-auxiliary-classifiers-gan)."""
    return tf.reduce_mean(tf.nn.relu(1.0 - at_label(logits, labels)[:, None] + logits))


def class_margin_of_all(logits: Any, labels: Any) -> Any:
    """The generator's side of `class_hinge_of_all`, mean of 1 - l_y + l_k over all k."""
    return tf.reduce_mean(1.0 - at_label(logits, labels)[:, None] + logits)
