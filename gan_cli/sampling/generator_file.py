"""generator.keras: a generator that can be shared as one file.

A Keras archive with one more member, `gan_cli.json`: metadata of the generator, and the SHA-256 of the other
members. Keras itself ignores the member. A file that another tool saved has none; its latents are taken to be normal.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gan_cli.config.user_modules import import_module
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.lazy import keras
from gan_cli.models import TRUNCATE_W, ModelPair
from gan_cli.models.average_of_w import is_average_of_w
from gan_cli.models.condition import Condition
from gan_cli.runs.atomic_files import write_atomically
from gan_cli.sampling.generator_metadata import (
    GeneratorMetadata,
    GeneratorMetadataError,
    check_generator_shapes,
    check_shapes,
    metadata_of,
    parse_metadata,
)
from gan_cli.sampling.keras_archive import CONFIG, WEIGHTS, KerasArchive, read_archive
from gan_cli.sampling.keras_layer_allowlist import check_classes, objects_in
from gan_cli.sampling.keras_size_limits import check_size, check_weights_file, first_line

METADATA_MEMBER = "gan_cli.json"


def save_generator(
    path: Path,
    generator: keras.Model,
    model: ModelPair,
    data: DataSpec,
    step: int,
    condition: Condition | None = None,
) -> None:
    """Writes `generator` to a .keras file, whole or not at all."""
    metadata = metadata_of(model, data, step, condition)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generator.keras"
        generator.save(file)
        with zipfile.ZipFile(file, "a") as archive:
            digests = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in (CONFIG, WEIGHTS)}
            archive.writestr(METADATA_MEMBER, json.dumps({**asdict(metadata), "sha256": digests}))
        content = file.read_bytes()
    write_atomically(path, lambda out: out.write(content))


def load_generator_file(path: Path, trust: bool) -> tuple[keras.Model, GeneratorMetadata]:
    """The generator in a .keras file, and its metadata.

    Raises:
        ConfigError: where the file is damaged, its metadata do not fit its model, it needs more memory than the file's
            size justifies, or names classes outside the allow-list and `trust` is false.
    """
    register_layers()
    archive = read_archive(path, METADATA_MEMBER)
    if trust:
        import_named_modules(archive, path)
    else:
        check_classes(archive.config, path)
    try:
        metadata = read_metadata(archive)
    except GeneratorMetadataError as error:
        raise ConfigError("checkpoint", f"{METADATA_MEMBER} in it is wrong: {error}", path) from error
    if not trust:
        check_weights_file(archive.weights, path)
        check_size(archive, path)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=not trust)
    except Exception as error:  # Keras raises many kinds for what it can't read
        raise ConfigError("checkpoint", f"can't be loaded: {first_line(error)}", path) from error
    return model, checked_metadata(model, metadata, path)


def import_named_modules(archive: KerasArchive, path: Path) -> None:
    """Imports the modules that a trusted archive names, so that they register their layers. Raises ConfigError."""
    modules = {str(node.get("module")) for node in objects_in(archive.config, path)}
    for module in sorted(modules):
        if module.partition(".")[0] not in ("None", "builtins", "gan_cli", "keras"):
            try:
                import_module(module)
            except Exception as error:  # the user's own module may raise anything
                problem = f"its module {module} can't be imported: {type(error).__name__}: {first_line(error)}"
                raise ConfigError("checkpoint", problem, path) from error


def read_metadata(archive: KerasArchive) -> GeneratorMetadata | None:
    """The metadata in an archive, None where it has none. Raises GeneratorMetadataError."""
    if archive.metadata is None:
        return None
    try:
        values = json.loads(archive.metadata)
    except (ValueError, RecursionError) as error:
        raise GeneratorMetadataError(f"no JSON ({first_line(error)})") from error
    digests = values.get("sha256") if isinstance(values, dict) else None
    if digests is not None:  # files of release 0.1 have none
        found = {CONFIG: archive.config_sha256, WEIGHTS: hashlib.sha256(archive.weights).hexdigest()}
        if digests != found:
            raise GeneratorMetadataError("the SHA-256 of its members is another one; the file was changed")
    return parse_metadata(values)


def checked_metadata(model: keras.Model, metadata: GeneratorMetadata | None, path: Path) -> GeneratorMetadata:
    """The metadata, held against the model; those of its shapes where there are none. Raises ConfigError."""
    inputs: Any = getattr(model, "input_shape", None)
    outputs: Any = getattr(model, "output_shape", None)
    try:
        if metadata is not None:
            check_shapes(metadata, inputs, outputs)
            check_styles(metadata, model)
            return metadata
        check_generator_shapes(inputs, outputs)
    except GeneratorMetadataError as error:
        raise ConfigError("checkpoint", str(error), path) from error
    return GeneratorMetadata(int(inputs[1]), "normal", DataSpec(tuple(outputs[1:]), 0), 0)


def check_styles(metadata: GeneratorMetadata, model: keras.Model) -> None:
    """Raises GeneratorMetadataError where truncation moves styles w, and the model has no layers to do that with."""
    if metadata.truncation != TRUNCATE_W:
        return
    layers: dict[str, Any] = {layer.name: layer for layer in model.layers}
    mapping, average, synthesis = (layers.get(name) for name in ("mapping", "w_average", "synthesis"))
    if not (isinstance(mapping, keras.Model) and isinstance(synthesis, keras.Model) and is_average_of_w(average)):
        problem = f"truncation is {TRUNCATE_W}, but its model has no layers mapping, w_average and synthesis"
        raise GeneratorMetadataError(problem)
    size, inputs = layers["w_average"].average.shape[0], [tuple(one.shape) for one in synthesis.inputs]
    planes = [shape[1] for shape in inputs[1:]]
    fits = mapping.output_shape == (None, size) and len(mapping.inputs) == 1 + (metadata.condition is not None)
    fits = fits and len(inputs[0]) == 3 and inputs[0][2] == size and None not in inputs[0][1:]
    if not (fits and len(planes) <= 1 and all(count and count <= metadata.noise_size for count in planes)):
        raise GeneratorMetadataError("its layers mapping, w_average and synthesis do not fit each other")


def register_layers() -> None:
    """Makes our own layers known to Keras, which finds them by their registered names."""
    import gan_cli.models.condition_layers
    import gan_cli.models.layers.adaptive_pooling
    import gan_cli.models.layers.box_resampled_convolution
    import gan_cli.models.layers.equalized
    import gan_cli.models.layers.fixed_resampling
    import gan_cli.models.layers.gated_linear_unit
    import gan_cli.models.layers.grouped_convolution
    import gan_cli.models.layers.latent_chunks
    import gan_cli.models.layers.minibatch_std
    import gan_cli.models.layers.self_attention
    import gan_cli.models.layers.spatial_map
    import gan_cli.models.layers.style_vectors
    import gan_cli.models.layers.sum_pooling
    import gan_cli.models.layers.synthesis
    import gan_cli.models.mapping_network
    import gan_cli.models.spectral_normalization
    import gan_cli.models.stylegan3.alias_free_layer
    import gan_cli.models.stylegan3.synthesis_input  # noqa: F401
