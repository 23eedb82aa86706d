"""Shows a fault of Grappler's dependency optimizer: an update of a variable may run before an earlier read of it.

    python benchmarks/dependency_optimizer_race.py

Needs TensorFlow alone. The function reads a variable and then updates it, so it must return the value before the
update. The read has to wait for a matrix product here, so that the fault shows in every call. benchmarks/README.md
describes the cause.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow as tf

CALLS = 5


def count_wrong_results(dependency_optimization: bool) -> int:
    """Calls the function `CALLS` times. Returns how often it read the variable after the update."""
    tf.config.optimizer.set_experimental_options({"dependency_optimization": dependency_optimization})
    variable = tf.Variable(1.0)
    matrix = tf.random.normal([800, 800])

    @tf.function
    def read_then_update(new: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([matrix @ matrix]):
            old = variable.read_value()
        new, old = tf.raw_ops.IdentityN(input=[new, old])
        variable.assign(new)
        return tf.math.negative(old)

    wrong = 0
    for _ in range(CALLS):
        variable.assign(1.0)
        wrong += float(read_then_update(tf.constant(2.0), matrix)) != -1.0
    return wrong


if __name__ == "__main__":
    print(f"TensorFlow {tf.__version__}; wrong results of {CALLS}:")
    for choice in (True, False):
        print(f"dependency_optimization={choice}: {count_wrong_results(choice)}")
