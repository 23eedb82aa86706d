"""TensorFlow: loaded quietly, set up for a run, and what it computes with."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_cli.cache import set_library_folders
from gan_cli.lazy import without_unused_packages

# What TensorFlow prints at every start and nobody can act on. Everything else it says is shown.
NOISE = re.compile(
    r"^[I]\d{4} |All log messages before absl::InitializeLog|To enable the following instructions"
    r"|Unable to register cu\w+ (factory|plugin)|computation_placer\.cc.*already registered|^\s*$"
)
NO_DRIVER = re.compile(r"failed call to cuInit|Could not find cuda drivers|libcuda")


def load_tensorflow() -> None:
    """Imports TensorFlow and Keras without the lines that they print at every start, and lets GPU memory grow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # 1 leaves out information, not warnings
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's own Keras settings say
    if "tensorflow" not in sys.modules:
        set_library_folders()
        with quiet_start(), without_unused_packages():
            import keras  # imports TensorFlow too
            import tensorflow as tf

            keras.config.set_image_data_format("channels_last")  # whatever ~/.keras/keras.json says
            keras.config.set_floatx("float32")

            for gpu in tf.config.list_physical_devices("GPU"):  # now, so that what it prints is filtered too
                tf.config.experimental.set_memory_growth(gpu, True)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Holds back what C++ code writes to standard error, and shows it at the end without the noise."""
    try:
        error_stream = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # a notebook's stream has no file behind it
        yield
        return
    sys.stderr.flush()
    kept = os.dup(error_stream)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), error_stream)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, error_stream)
            os.close(kept)
            caught.seek(0)
            for line in caught.read().decode(errors="replace").splitlines():
                if not is_noise(line):
                    print(line, file=sys.stderr)


def is_noise(line: str) -> bool:
    """Whether a line says nothing that anyone can act on; a failing driver counts only where there is a GPU."""
    return bool(NOISE.search(line) or (NO_DRIVER.search(line) and not Path("/dev/nvidiactl").exists()))


def set_up_tensorflow(seed: int, deterministic: bool) -> None:
    """Seeds everything, and asks for operations that give the same bits each time."""
    import keras
    import tensorflow as tf

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.utils.set_random_seed(seed)
    # The pass that fuses operations fails on the graphs of some steps (spectral normalisation) and says so on standard
    # error at each compilation. Training gains nothing from it where it works (benchmarks/README.md).
    # The pass that thins out control edges lets an update of a variable overtake a read before it: it drops the edge
    # between them where a longer path implies it, and then bypasses operations in that path (the IdentityN in which
    # Keras's optimizers join all gradients). R2 read an offset after its update in 1 of 32,000 steps of a small DCGAN.
    tf.config.optimizer.set_experimental_options({"remapping": False, "dependency_optimization": False})
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def load_for_inference() -> None:
    """TensorFlow, ready for everything but training: nothing is drawn, and the bits are the same each time."""
    load_tensorflow()
    set_up_tensorflow(seed=0, deterministic=True)


def device_name() -> str:
    """What training runs on, in words."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU ({usable_cores()} cores)"
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return "GPU: " + ", ".join(names)


def usable_cores() -> int:
    """How many cores this process may use. TensorFlow starts as many threads, and sums are split among them."""
    return len(os.sched_getaffinity(0))


@contextmanager
def dtype_policy(precision: str) -> Iterator[None]:
    """Layers that are made inside compute in `precision`."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
