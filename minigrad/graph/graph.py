"""Graph: a computation as plain data, the one door between the engine and its readers.

`build.py` makes graphs. Each question to a graph is answered by a module of its own; the methods here are the table of
contents.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from minigrad.core.storage import held_by
from minigrad.graph.arguments import flatten
from minigrad.graph.cost import Cost, cost
from minigrad.graph.listing import listing
from minigrad.graph.node import Node, refuse_to_copy
from minigrad.graph.part import between
from minigrad.graph.run import run
from minigrad.graph.search import find, find_all
from minigrad.graph.stats import Stats, stats
from minigrad.graph.steps import Step, steps

if TYPE_CHECKING:
    import graphviz

    from minigrad.core.autodiff import Contribution
    from minigrad.core.tensor import Tensor
    from minigrad.drawing.explorer.explore import Page
    from minigrad.export.jax import JaxFunction
    from minigrad.graph.diff import Difference


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Graph:
    """An immutable list of nodes in topological order: operations as they were recorded, a leaf before its first user.

    `inputs` are the nodes that `run` takes arrays for, in order; `updates` maps each piece of state to the node of its
    next value; `effects` are the random draws, in order. `returned` has the outputs in the structure they were returned
    in; `captured` says whether the graph was recorded on shapes, without values.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> graph = (x * x + 1.0).graph()
    >>> print(graph)
    %0 = parameter         (2,)  float64  x
    %1 = multiply(%0, %0)  (2,)  float64
    %2 = add(%1, 1.0)      (2,)  float64
    return %2
    >>> graph[1].op, len(graph), graph.run()
    ('multiply', 3, array([2., 5.]))
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Node, ...]
    inputs: tuple[Node, ...]
    updates: Mapping[Node, Node]
    effects: tuple[Node, ...]
    returned: Any
    captured: bool
    _given: tuple[Node, ...] = ()  # what `run` binds each of its arguments to, where these are not just the `inputs`
    _last_uses: dict[int, list[int]] = field(default_factory=dict)
    _leaves: Callable[[tuple[Any, ...]], Iterable[Any]] = flatten  # how `run` walks its arguments

    @classmethod
    def of(
        cls, nodes: Iterable[Tensor], returned: Any, updates: Mapping[Tensor, Tensor] = MappingProxyType({}),
        leaves: Callable[[tuple[Any, ...]], Iterable[Any]] = flatten,
    ) -> Graph:  # fmt: skip
        """The graph of a program that somebody else describes: `minigrad.foreign` reads JAX and PyTorch with it.

        Args:
            nodes: made in order by `make_leaf` and `make_operation`, operations with values all or none. What neither
                `returned` nor `updates` needs is left out, but for inputs and random draws.
            returned: the outputs among them, in any structure.
            updates: by state, the node of its next value.
            leaves: the arrays among the arguments of `run`, in the order of the inputs.

        >>> import minigrad as mg, numpy as np
        >>> from minigrad.graph.made import make_leaf, make_operation
        >>> x = make_leaf("input", (2,), "float64", name="x")
        >>> y = make_operation(mg.exp, [x], (2,), "float64", scope="layer")
        >>> print(mg.Graph.of([x, y], y))
        %0 = input    (2,)  float64  x
        %1 = exp(%0)  (2,)  float64  layer
        return %1
        """
        from minigrad.graph.build import build

        nodes = list(nodes)
        operations = [x for x in nodes if x.op is not None]
        inputs, effects = [x for x in nodes if x.role == "input"], [x for x in operations if x.op and x.op.effect]
        captured = any(held_by(x) is None for x in operations)
        return replace(build(returned, inputs, updates, effects, captured), _leaves=leaves)

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, number: int) -> Node:
        return self.nodes[number]

    def __str__(self) -> str:
        return listing(self)

    def __repr__(self) -> str:
        return f"<Graph of {len(self)} nodes>"

    def __reduce__(self) -> NoReturn:
        refuse_to_copy()

    @property
    def trail(self) -> list[Contribution]:
        """What `backward(keep=True)` did in this graph, in the order of its sweep; nodes are called by their `id`."""
        known = {node.id for node in self}
        steps = (step for node in self for step in node._tensor.trail or ())
        return [step for step in steps if step.node in known and step.target in known]

    def find(self, path: str) -> Node:
        """The node at `path`: `scope/name`, its end from any `/` on, or the same with an op in place of the name.

        Raises:
            LookupError: there is none; the message lists close matches.
            ValueError: there are several; the message lists them.

        >>> import minigrad as mg
        >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
        >>> with mg.scope("attention"):
        ...     y = mg.softmax(x)
        >>> y.name = "weights"
        >>> y.graph().find("attention/weights")
        %1 = softmax(%0)  (2,) float64  attention/weights
        """
        return find(self, path)

    def find_all(self, path: str) -> tuple[Node, ...]:
        """Every node that `find` could mean, in order."""
        return find_all(self, path)

    def stats(self) -> Stats:
        """How many nodes of which kind, and how large they are.

        >>> import minigrad as mg
        >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
        >>> print((x * x + x).graph().stats())
        nodes       3: 2 op, 1 parameter
        operations  1 add, 1 multiply
        orders      0: 3
        parameters  2 elements, 16 bytes
        computed    32 bytes
        """
        return stats(self)

    def cost(self) -> Cost:
        """Floating-point operations and memory, counted from shapes: by node, operation, scope and order of derivative.

        An op counts one per element of its largest array, unless `cost.py` knows better; views count nothing.
        Memory is that of results, without leaves and without what an op needs only while it runs.

        >>> import minigrad as mg, numpy as np
        >>> weight = mg.Tensor(np.ones((8, 4)), requires_grad=True)
        >>> loss = mg.sum(mg.matmul(np.ones((2, 8)), weight))
        >>> print(loss.graph(gradients=True).cost())
                        nodes  flops  bytes
        by operation
          matmul            2    256    320
          sum               1      8      8
          broadcast_to      1      0      0
          reshape           1      0      0
          transpose         1      0      0
        by scope
          (none)            6    264    328
        by order
          0                 2    136     72
          1                 4    128    256
        all                 6    264    328
        kept for gradients: 0 bytes
        most at a time: 264 bytes
        """
        return cost(self)

    def between(self, start: Node | str, end: Node | str) -> Graph:
        """The part on the paths from `start` to `end`, given as nodes or to `find`; what enters from outside is a leaf.

        Raises:
            GraphError: `end` does not depend on `start`.

        >>> import minigrad as mg
        >>> x = mg.Tensor(2.0, requires_grad=True, name="x")
        >>> y = mg.exp(x * 3.0)
        >>> print(y.graph().between("multiply", "exp"))
        %0 = input    ()  float64
        %1 = exp(%0)  ()  float64
        return %1
        """
        return between(self, start, end)

    def expand(self, *names: str) -> Graph:
        """The same computation with the composite operations `names` replaced by their definition.

        Gradients that are in the graph stay as they are; `with minigrad.expanded(name):` around the forward pass shows
        the gradient of the definition instead.

        Raises:
            ValueError: the graph has no composite operation of that name.

        >>> import minigrad as mg
        >>> print(mg.sigmoid(mg.Tensor(0.0, requires_grad=True)).graph().expand("sigmoid"))
        %0 = parameter        ()  float64
        %1 = negative(%0)     ()  float64  sigmoid
        %2 = exp(%1)          ()  float64  sigmoid
        %3 = add(1.0, %2)     ()  float64  sigmoid
        %4 = divide(1.0, %3)  ()  float64  sigmoid
        return %4
        """
        from minigrad.graph.expand import expand

        return expand(self, names)

    def diff(self, other: Graph) -> Difference:
        """What leads from this graph to `other`: the nodes that were added, removed and changed.

        Nodes are matched by scope, op, order of derivative and name, in sequence; what that leaves by the expression
        that it computes and by its place among the operands. Values are not compared.

        >>> import minigrad as mg
        >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> before, after = mg.sum(mg.relu(x * 2.0)).graph(), mg.sum(mg.relu(x * 2.0 + 1.0), axis=0).graph()
        >>> print(before.diff(after))
        1 added, 0 removed, 2 changed, 2 the same
          %0 = parameter          (2,)  float64  x
          %1 = multiply(%0, 2.0)  (2,)  float64
        + %2 = add(%1, 1.0)       (2,)  float64
        ~ %3 = relu(%2)           (2,)  float64
            was %2: inputs (%1) → (%2)
        ~ %4 = sum(%3, axis=0)    ()    float64
            was %3: params none → axis=0
        """
        from minigrad.graph.diff import diff

        return diff(self, other)

    def steps(self) -> list[Step]:
        """The forward pass node by node, then what `loss.backward(keep=True)` did, contribution by contribution.

        Raises:
            GraphError: the graph was captured on shapes, so there are no values to show.

        >>> import minigrad as mg
        >>> x = mg.Tensor(3.0, requires_grad=True, name="x")
        >>> y = x * x
        >>> y.backward(keep=True)
        >>> for step in y.graph().steps():
        ...     print(step)
        %1 = multiply(%0, %0)
            = 9
        ∂%1/∂x1 of multiply(%0, %0), to %0 x
            from 1
            +=   3
            now  3
        ∂%1/∂x2 of multiply(%0, %0), to %0 x
            from 1
            +=   3
            now  6
        """
        return steps(self)

    def run(self, *arguments: Any) -> Any:
        """Compute the outputs on NumPy arrays, node by node, and write the updates into the state.

        Args:
            arguments: arrays for `inputs`, in order, also in tuples and lists. A recorded graph may be run without: on
                the values it was recorded with. A traced one takes as many as the function was traced with, those by
                name last; where the same Tensor stood in two places, both take the same values. Dictionaries are taken
                by their keys, nested as the function was traced with them, without what is no array.

        Returns arrays in the structure that the traced function returned.

        Raises:
            ValueError: the wrong number of arrays, a wrong shape or dtype, different values for one Tensor, or
                dictionaries with other keys or in other places.

        >>> import minigrad as mg, numpy as np
        >>> graph = mg.graph.trace(lambda x: mg.sum(x * x), np.zeros(3))
        >>> graph.run(np.array([1.0, 2.0, 3.0]))
        array(14.)
        """
        return run(self, arguments)

    def to_jax(self, draws: Literal["key", "inputs"] = "key", seed: int = 0, model: Any = None) -> JaxFunction:
        """The computation as a pure function of JAX: `state, outputs = jax.jit(step)(step.state, *inputs)`.

        State is a dictionary of arrays by path: parameters and buffers, the moments of each parameter, the rate and
        the counters, by the names that `io.save_checkpoint` gives them. `step.load(state)` writes it into the live
        Tensors again. Inputs are those of `run`; dictionaries are taken by their keys, which JAX sorts.

        Args:
            draws: where random numbers come from. "key": a key of JAX in the state; a run can be repeated to the bit,
                and its numbers are not those of minigrad. "inputs": `step.draw()`, from the generators of the graph,
                which are the last inputs; the numbers are those of minigrad.
            seed: of the first key.
            model: a module, by whose paths its parameters and buffers are called. By default they are called by the
                scope where they are used and their own name, which for the modules of `minigrad.nn` is the same.

        JAX computes in 32 bits unless `jax.config.update("jax_enable_x64", True)`: then 1 − 0.999ᵗ of Adam is off by
        a hundred-thousandth at the first step. An index out of range is no error under `jax.jit`: it reads NaN and is
        not written; constant ones are checked here. Compiling takes longer than `minigrad.compile` does: this is for
        accelerators and many devices.

        Raises:
            GraphError: an op of which nothing says what it is in JAX; `minigrad.export.jax.row` does.
            ModuleNotFoundError: JAX is not installed, the extra `jax`.

        >>> import jax, minigrad as mg
        >>> total = mg.Tensor([0.0, 0.0], np.float32, name="total")
        >>> def accumulate(x):
        ...     mg.assign(total, mg.read(total) + x)
        ...     return x.sum()
        >>> step = mg.trace(accumulate, mg.Tensor([1.0, 2.0], np.float32)).to_jax()
        >>> state, output = jax.jit(step)(step.state, np.float32([3.0, 4.0]))
        >>> state["total"].tolist(), float(output)
        ([3.0, 4.0], 7.0)
        """
        from minigrad.export.jax import JaxFunction

        return JaxFunction(self, draws, seed, model)

    def dot(self, **options: Any) -> str:
        """The picture as DOT text; `options` are those of `minigrad.drawing.dot.dot_source`."""
        from minigrad.drawing.dot import dot_source

        return dot_source(self, **options)

    def mermaid(self, **options: Any) -> str:
        """The picture as a Mermaid flowchart, which GitHub and notebooks draw without any engine.

        `options` are depth, hide_constants, order, between, values, direction, title, labels and highlight, each as for
        `dot`.
        """
        from minigrad.drawing.mermaid import mermaid_source

        return mermaid_source(self, **options)

    def graphviz(self, **options: Any) -> graphviz.Source:
        """The picture as a `graphviz.Source`, to restyle or embed."""
        from minigrad.drawing.picture import make_source

        return make_source(self, **options)

    def draw(self, path: str | os.PathLike[str], engine: str | None = None, **options: Any) -> None:
        """Draw the graph into `path`: svg, png, pdf, tex or dot, by its extension.

        `engine` is that of `minigrad.drawing.engines.layout`; `options` are those of `dot`, `timeout` in seconds for
        the engine, 20 by default, and `width`: a length such as "8.4cm" that the picture is wide, arranged so that its
        letters stay legible in print.

        Raises:
            ValueError: another extension, or an option that there is not.
            OSError: the folder is missing or cannot be written to.
            GraphvizNotFoundError, LayoutError: no layout engine, or one that fails; the message names the DOT text.
        """
        from minigrad.drawing.picture import draw

        draw(self, path, engine, options)

    def frames(
        self, folder: str | os.PathLike[str], format: str = "svg", engine: str | None = None, **options: Any
    ) -> list[Path]:
        """Draw the backward pass into `folder`, which exists: numbered pictures on one layout, and return their paths.

        The first shows the graph before anything has flowed back, each of the others one contribution more, in the
        order of `steps`. `format` is svg, png or pdf; `options` are those of `dot`.

        Raises:
            GraphError: `loss.backward(keep=True)` was not called.
        """
        from minigrad.drawing.frames import draw_frames

        return draw_frames(self, folder, format, engine, options)

    def explore(
        self, path: str | os.PathLike[str] | None = None, *, title: str | None = None, tokens: Sequence[object] = (),
        lesson: str | Sequence[Mapping[str, Any]] | None = None, depth: int | None = None,
        direction: Literal["TB", "LR", "BT", "RL"] | None = None, engine: str | None = None,
    ) -> Page | None:  # fmt: skip
        """Write one self-contained HTML page to `path`: read the graph, search it, step through both passes.

        Args:
            path: a file ending in .html, which may exist; without it the page is returned, and shows in notebooks.
            title: of the page.
            tokens: their texts, for attention maps; a string counts as its characters.
            lesson: a guided walk, as a list of stops: `{"node": "scores", "step": "backward", "en": "A sentence."}`. A
                stop has a sentence in English ("en"), Chinese ("zh") or both, and may have a node, the step "forward"
                at which it gets its value or "backward" at which its gradient is complete, and the view to show, such
                as the path of a scope. Ready ones are "softmax", "head_forward", "head_backward" and "training_step".
            depth: of the first view: scopes are open down to this depth. By default as many as make at most 8 boxes;
                without scopes there are at most 60.
            direction: the side where results are, as of `draw`.
            engine: that of `minigrad.drawing.engines.layout`. Without any engine boxes are in rows by depth.

        Steps need values, and those of the backward pass `loss.backward(keep=True)` before `loss.graph()`. Warns above
        5 MB.

        Raises:
            ValueError: another extension, a page of more than 25 MB, a lesson that says what there is not, or a depth
                or direction that there is not.
            LookupError: a node of the lesson that there is not.
            OSError: the folder is missing or cannot be written to.
        """
        from minigrad.drawing.explorer.explore import explore

        return explore(
            self, path, title=title, tokens=tokens, lesson=lesson, depth=depth, direction=direction, engine=engine
        )

    def to_onnx(self, path: str | os.PathLike[str], weights: str = "inside", draws: str = "inside") -> None:
        """Write the graph as an ONNX model in plain operators, for other programs to run or, as Netron, to show.

        Inputs and outputs are called by their paths, an output that has none `output`; a number tells apart what would
        be called the same. State that the graph updates, as a training step does, enters with its present value by
        default and leaves as `PATH.next`, to be passed in the next time. Operators bear scope and operation in their
        name, and as metadata the number, scope, name and order of their node. Lengths are those of the graph:
        `minigrad.export.to_onnx` writes a function for batches of any size.

        Types are those of the graph, too. float32 is what runtimes have every operator for; onnxruntime lacks Erf, Tan,
        hyperbolic and inverse functions for float64. Files differ from minigrad in three things: an index outside may
        count from the end or be an error of the runtime, the largest and smallest of NaN and numbers is a number, and a
        gradient that 0 · ∞ made NaN is not computed again with strong products.

        Args:
            path: the file, which may exist.
            weights: "inside" the file, or "inputs": parameters and other state must be passed.
            draws: random numbers are drawn "inside", others in each run, or are the last "inputs", in the order of
                `effects`.

        Raises:
            GraphError: an operation that cannot be said in ONNX, which the message names.
            ValueError: weights of more than 2 GB inside, or another word for weights or draws.
            ModuleNotFoundError: the library onnx is missing; install the extra `onnx`.
            OSError: the file cannot be written.
        """
        from minigrad.export.onnx import write_graph

        write_graph(self, path, weights, draws)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from minigrad.drawing.picture import make_mime_bundle

        return make_mime_bundle(self)
