"""A training loop that one process traces and other processes execute, each with a TensorFlow runtime of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gan_cli.config.job_builder import TrainJob
from gan_cli.data import DataSpec
from gan_cli.data.pipeline import Batches
from gan_cli.devices import set_up_tensorflow
from gan_cli.lazy import tf

Row = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """What one process computed: the metrics of each step, and a digest of the state after the last."""

    rows: tuple[Row, ...]
    digest: str


@dataclass(frozen=True)
class TracedLoop:
    """The training loop as TensorFlow's runtime gets it.

    Attributes:
        name: of its function.
        definitions: serialised FunctionDefs, those of the functions that it calls first.
        captured: its inputs besides step, count and data: whether each is a variable, and its value before training.
        outputs: how many there are; the first holds the metrics.
        metrics: their names.
    """

    name: bytes
    definitions: tuple[bytes, ...]
    captured: tuple[tuple[bool, Any], ...]
    outputs: int
    metrics: tuple[str, ...]


def digest(arrays: Iterable[Any]) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(str(array.dtype).encode() + array.tobytes())
    return total.hexdigest()


def start_runtime(job: TrainJob, dependency_optimizer: bool) -> tuple[DataSpec, Batches]:
    """Sets up TensorFlow as gan-train does, and opens the data."""
    from gan_cli.training.build_training import open_training_batches

    set_up_tensorflow(job.seed, job.train.deterministic)
    if dependency_optimizer:
        tf.config.optimizer.set_experimental_options({"dependency_optimization": True})
    examples = job.dataset.open(None)
    return examples.spec, open_training_batches(job, examples)


def trace(job: TrainJob, steps: int, dependency_optimizer: bool) -> tuple[TracedLoop, Result]:
    """Traces the training loop, and trains."""
    from gan_cli.training.build_training import build_compiled_loop, build_state, build_step

    spec, batches = start_runtime(job, dependency_optimizer)
    state = build_state(job, spec)
    loop = build_compiled_loop(job, build_step(job, state), batches, state)
    function = loop.function.get_concrete_function()
    slots = [
        one.value
        for optimizer in (state.generator_optimizer, state.discriminator_optimizer)
        for one in optimizer.variables
    ]
    by_handle = {id(variable.handle): variable for variable in (*function.graph.variables, *slots)}
    inputs = [(id(tensor) in by_handle, by_handle.get(id(tensor), tensor)) for tensor in function.captured_inputs]
    called = function.graph.as_graph_def().library.function
    traced = TracedLoop(
        name=function.function_def.signature.name.encode(),
        definitions=tuple(one.SerializeToString() for one in [*called, function.function_def]),
        captured=tuple((is_variable, value.numpy()) for is_variable, value in inputs),
        outputs=len(function.outputs),
        metrics=tuple(loop.names),
    )
    rows = tuple(loop(step, 1).metrics for step in range(steps))
    return traced, Result(rows, digest(value.numpy() for _, value in inputs))


def replay(job: TrainJob, steps: int, dependency_optimizer: bool, traced: TracedLoop) -> Result:
    """Trains with a loop that another process traced."""
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.python.eager.context import context

    _, batches = start_runtime(job, dependency_optimizer)
    for definition in traced.definitions:
        context().add_function_def(FunctionDef.FromString(definition))
    inputs = [tf.Variable(value) if is_variable else tf.constant(value) for is_variable, value in traced.captured]
    handles = [one.handle if isinstance(one, tf.Variable) else one for one in inputs]
    rows = []
    for step in range(steps):
        given = [tf.constant(step, tf.int64), tf.constant(1, tf.int64), *batches.feed(step, 1), *handles]
        row, *_ = context().call_function(traced.name, given, traced.outputs)
        rows.append(dict(zip(traced.metrics, row.numpy().tolist(), strict=True)))
    return Result(tuple(rows), digest(one.numpy() for one in inputs))


def find_races(job: TrainJob, dependency_optimizer: bool, traced: TracedLoop) -> tuple[int, int, list[tuple[str, str]]]:
    """Executes one step. Returns how many reads and updates its graph has, and the pairs that it does not order."""
    from executed_graph import record_graph

    set_up_tensorflow(job.seed, job.train.deterministic)
    graph = record_graph(lambda: replay(job, 1, dependency_optimizer, traced))
    return sum(map(len, graph.reads().values())), sum(map(len, graph.updates().values())), list(graph.races())
