"""TensorFlow, loaded quietly and set up for a run."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What TensorFlow prints at every start and nobody can act on. Everything else it says is shown.
NOISE = re.compile(
    r"^[I]\d{4} |All log messages before absl::InitializeLog|To enable the following instructions"
    r"|Unable to register cu\w+ (factory|plugin)|computation_placer\.cc.*already registered|^\s*$"
)
NO_DRIVER = re.compile(r"failed call to cuInit|Could not find cuda drivers|libcuda")


def load_tensorflow() -> None:
    """Imports TensorFlow and Keras, leaving out the lines that they print at every start."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # 1 leaves out information, not warnings
    if "tensorflow" not in sys.modules:
        with quiet_start():
            import keras  # noqa: F401  (imports TensorFlow too)
            import tensorflow as tf

            tf.config.list_physical_devices()  # looks for a GPU now, so that what it prints is filtered too


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
    """Seeds everything, lets GPU memory grow, and asks for operations that give the same bits each time."""
    import keras
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    keras.utils.set_random_seed(seed)
    # The pass that fuses operations fails on the graphs of some steps (spectral normalisation) and says so on standard
    # error at each compilation. Training gains nothing from it where it works (benchmarks/README.md).
    tf.config.optimizer.set_experimental_options({"remapping": False})
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def device_name() -> str:
    """What training runs on, in words."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU ({os.cpu_count()} cores)"
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return "GPU: " + ", ".join(names)
