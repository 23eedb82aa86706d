"""generator.keras: a generator that can be shared as one file.

Keras's own archive, with one more member, `gan_cli.json`, that says which latents the generator was trained on and what
it makes. Keras and other tools that read the archive pass it over.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.runs.atomic_files import write_atomically

MEMBER = "gan_cli.json"
OWN_MODULES = ("keras", "gan_cli")


@dataclass(frozen=True)
class GeneratorFacts:
    """What a generator is fed with, what it makes, and when it was saved."""

    latent_size: int
    latent_distribution: str
    data: DataSpec
    step: int


def save_generator(path: Path, generator: keras.Model, model: ModelPair, data: DataSpec, step: int) -> None:
    """Writes `generator` to a .keras file, whole or not at all."""
    facts = GeneratorFacts(model.latent_size, model.latent_distribution, data, step)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generator.keras"
        generator.save(file)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(MEMBER, json.dumps(asdict(facts)))
        content = file.read_bytes()
    write_atomically(path, lambda out: out.write(content))


def load_generator_file(path: Path, trust: bool) -> tuple[keras.Model, GeneratorFacts]:
    """The generator in a .keras file, and what it is fed with.

    A file that names no latents (one that another tool saved) is taken to want normal ones of its input's size.

    Raises:
        ConfigError: where the file is damaged, or names code that is neither Keras's nor ours and `trust` is false.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            about = json.loads(archive.read(MEMBER)) if MEMBER in archive.namelist() else None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError("checkpoint", f"is not a Keras archive ({error})", path) from error
    if not trust:
        check_archive(config, path)
    register_layers()
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=not trust)
    except Exception as error:  # Keras raises many kinds for what it can't read
        raise ConfigError("checkpoint", f"can't be loaded: {str(error).splitlines()[0]}", path) from error
    facts = read_facts(about, model)
    shape = facts.data.shape
    if not (shape == (2,) or (len(shape) == 3 and shape[-1] in (1, 3, 4))) or len(model.input_shape) != 2:
        problem = f"is no generator: it maps {model.input_shape[1:]} to {model.output_shape[1:]}"
        raise ConfigError("checkpoint", problem, path, "A generator maps latents (size) to (height, width, channels).")
    return model, facts


def check_archive(config: Any, path: Path) -> None:
    """Raises ConfigError where the archive's description names code outside Keras and gan_cli, or a Lambda."""
    if isinstance(config, dict):
        module = config.get("module")
        name = config.get("class_name")
        outside = isinstance(module, str) and module.partition(".")[0] not in OWN_MODULES
        registered = str(config.get("registered_name") or "").partition(">")
        foreign = module is None and "class_name" in config and registered[1] and registered[0] not in OWN_MODULES
        if outside or foreign or name in ("Lambda", "__lambda__", "function"):
            raise ConfigError(
                "checkpoint",
                f"holds {module or registered[0]}.{name}, code that is neither Keras's nor ours",
                path,
                "If you know where the file comes from, say trust=true.",
            )
        for value in config.values():
            check_archive(value, path)
    elif isinstance(config, list):
        for value in config:
            check_archive(value, path)


def register_layers() -> None:
    """Makes our own layers known to Keras, which finds them by name."""
    import gan_cli.models.spectral_normalization  # noqa: F401


def read_facts(about: Any, model: keras.Model) -> GeneratorFacts:
    shape = tuple(int(side or 0) for side in model.output_shape[1:])
    try:
        data = about["data"]
        spec = DataSpec(tuple(data["shape"]), data["examples"], data["classes"], tuple(data["value_range"]))
        return GeneratorFacts(int(about["latent_size"]), str(about["latent_distribution"]), spec, int(about["step"]))
    except (TypeError, KeyError, ValueError):
        return GeneratorFacts(int(model.input_shape[-1]), "normal", DataSpec(shape, 0), 0)
