"""Trains GANs from the command line, and generates images with trained generators.

>>> from gan_cli import load_generator
>>> generator = load_generator("outputs/20261120-101502_dcgan_wgan_mnist_seed0")
>>> images = generator.images(seeds=range(16))      # uint8 [16, 28, 28, 1]
"""

import os
import sys

# `python -m gan_cli.commands.train` puts the working folder first on sys.path. A pandas.py or queue.py that lies there
# would run in place of the package of that name. The console scripts never have it there. No other import may stand
# above: Python has loaded these two before.
if (
    not sys.flags.safe_path
    and sys.argv[:1] == ["-m"]
    and sys.orig_argv[-len(sys.argv)].removeprefix("-m").startswith("gan_cli.")
):
    del sys.path[0]

# Kernels of oneDNN for convolutions, which TensorFlow switches on by itself for AVX-512 alone. TensorFlow reads this
# when it is imported, and what the user has set stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_cli.sampling.loaded_generator import LoadedGenerator
    from gan_cli.trained_models.load_generator import load_generator

__all__ = ["LoadedGenerator", "load_generator"]


def __getattr__(name: str) -> Any:
    """Imports on first use: the command line answers before NumPy and Pillow are loaded."""
    if name in __all__:
        from gan_cli.trained_models import load_generator as module

        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
