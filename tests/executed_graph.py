"""The graph that TensorFlow executes, and accesses to variables in it that may happen in either order.

benchmarks/determinism.py uses it too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations, product
from typing import Any

from tensorflow.python.eager import context

CALLS = {"PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf", "Case"}
PASSES_ON = {"Enter", "Identity", "Switch", "Merge", "NextIteration"}


def source(edge: str) -> str:
    """The node that an edge comes from."""
    return edge.lstrip("^").split(":")[0]


class ExecutedGraph:
    """The graph that TensorFlow makes of a call, optimised, with its loops and branches as plain nodes."""

    def __init__(self, graph: Any) -> None:
        self.nodes = {node.name: node for node in graph.node}
        assert not CALLS & {node.op for node in graph.node}, "a graph within the graph would not be looked at"
        self.known: dict[str, tuple[set[str], set[tuple[str, str]]]] = {}

    def before(self, name: str) -> tuple[set[str], set[tuple[str, str]]]:
        """All that a node waits for in its iteration of a loop, and the branches, (condition, output), it is in.

        What comes after an inner loop waits for all its iterations.
        """
        if name not in self.known:
            branches, ahead = set[tuple[str, str]](), [(name, False)]
            seen = set[tuple[str, bool]]()
            while ahead:
                one, in_loop = ahead.pop()
                for edge in self.nodes[one].input:
                    other, _, output = edge.lstrip("^").partition(":")
                    node = self.nodes[other]
                    if node.op == "Switch" and self.nodes[source(node.input[1])].op != "LoopCond":
                        branches.add((node.input[1], output or "0"))
                    place = other, node.op == "Exit" or (in_loop and node.op != "Enter")
                    if (in_loop or node.op != "NextIteration") and place not in seen:
                        seen.add(place)
                        ahead.append(place)
            self.known[name] = {one for one, _ in seen}, branches
        return self.known[name]

    def next_iterations(self, name: str) -> set[str]:
        """What a node waits for from the iteration before its own."""
        merges = (self.nodes[one] for one in self.before(name)[0] if self.nodes[one].op == "Merge")
        edges = {source(edge) for merge in merges for edge in merge.input}
        return {edge for edge in edges if self.nodes[edge].op == "NextIteration"}

    def variable(self, name: str) -> str:
        """The source of the resource that a node reads or updates."""
        node = self.nodes[source(self.nodes[name].input[0])]
        while node.op in PASSES_ON:
            node = self.nodes[source(node.input[0])]
        return str(node.name)

    def exclude_each_other(self, first: str, second: str) -> bool:
        """Whether two nodes are in the two branches of a condition."""
        outputs: tuple[dict[str, set[str]], ...] = (defaultdict(set), defaultdict(set))
        for name, found in zip((first, second), outputs, strict=True):
            for condition, output in self.before(name)[1]:
                found[condition].add(output)
        shared = outputs[0].keys() & outputs[1].keys()
        return any(not outputs[0][condition] & outputs[1][condition] for condition in shared)

    def reads(self) -> defaultdict[str, list[str]]:
        """The operations that read each variable."""
        return self.by_variable(lambda op: op == "ReadVariableOp")

    def updates(self) -> defaultdict[str, list[str]]:
        """The operations that update each variable."""
        return self.by_variable(lambda op: op.startswith(("Assign", "Resource")))

    def by_variable(self, is_access: Callable[[str], bool]) -> defaultdict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name, node in self.nodes.items():
            if is_access(node.op):
                found[self.variable(name)].append(name)
        return found

    def races(self) -> Iterator[tuple[str, str]]:
        """Pairs of an update of a variable and another access to it that may happen in either order."""
        reads, updates = self.reads(), self.updates()
        assert sum(map(len, updates.values())) > 10
        for variable, updating in updates.items():
            for first, second in [*combinations(updating, 2), *product(updating, reads[variable])]:
                ordered = first in self.before(second)[0] or second in self.before(first)[0]
                if not ordered and not self.exclude_each_other(first, second):
                    yield first, second
            for first, second in product(updating, [*updating, *reads[variable]]):
                for earlier, later in {(first, second), (second, first)}:
                    waits = self.next_iterations(later)
                    if waits and not any(earlier in self.before(one)[0] for one in waits):
                        yield earlier, later


def record_graph(call: Callable[[], Any]) -> ExecutedGraph:
    """Calls a compiled function. Returns its graph as Grappler left it."""
    context.context().enable_run_metadata()
    try:
        call()
        ran = context.context().export_run_metadata()
    finally:
        context.context().disable_run_metadata()
    graphs = (graph for function in ran.function_graphs for graph in function.partition_graphs)
    return ExecutedGraph(max(graphs, key=lambda graph: len(graph.node)))
