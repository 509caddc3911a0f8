"""What modules and operations are in a picture of an architecture: the one table of what papers call them.

In come a module and where it is held, or an operation; out goes its row, or words made of its own name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from minigrad.graph import Node


class Row(NamedTuple):
    """How a module or an operation is drawn: as one box of a kind, which has a colour, or as a sign in a circle.

    `alone` is the title of an operation where only one of its operands depends on the inputs; it is left out where that
    is empty. `hidden` modules are left out.
    """

    title: str
    kind: str
    alone: str = ""


OTHER, HIDDEN, SHAPE = "other", "hidden", "shape"  # without a colour of its own; left out; takes a shape, no values
MASKED, ADDED = "Masked ", "Add & Norm"  # attention with a mask of its own; a norm of a residual sum

# By the name of the class; the classes that it is made of count too.
MODULES = {
    "MultiHeadAttention": Row("Multi-Head Attention", "attention"),
    "AttentionPooling": Row("Attention Pooling", "attention"),
    "FeedForward": Row("Feed Forward", "feed forward"),
    "Linear": Row("Linear", "linear"),
    "Conv1d": Row("Convolution", "linear"),
    "Conv2d": Row("Convolution", "linear"),
    "GRU": Row("GRU", OTHER),
    "LSTM": Row("LSTM", OTHER),
    "Embedding": Row("Embedding", "embedding"),
    "LayerNorm": Row("Layer Norm", "norm"),
    "BatchNorm": Row("Batch Norm", "norm"),
    "GroupNorm": Row("Group Norm", "norm"),
    "RMSNorm": Row("RMS Norm", "norm"),
    "SinusoidalPositions": Row("Positional Encoding", "positions"),
    "LearnedPositions": Row("Positional Encoding", "positions"),
    "Dropout": Row("", HIDDEN),
}
OPERATIONS = {
    "add": Row("+", "sign"),
    "subtract": Row("−", "sign"),
    "multiply": Row("×", "sign"),
    "divide": Row("÷", "sign"),
    "concatenate": Row("‖", "sign"),
    "matmul": Row("MatMul", OTHER, "Linear"),
    "linear": Row("Linear", "linear", "Linear"),
    "embedding": Row("Embedding", "embedding", "Embedding"),
    "softmax": Row("Softmax", "activation", "Softmax"),
    "log_softmax": Row("Log Softmax", "activation", "Log Softmax"),
    "standardize": Row("Norm", "norm", "Norm"),
    "relu": Row("ReLU", "activation", "ReLU"),
    "gelu": Row("GELU", "activation", "GELU"),
    "silu": Row("SiLU", "activation", "SiLU"),
    "pad": Row("", OTHER),
    "zeros_like": Row("", SHAPE),
    "ones_like": Row("", SHAPE),
}
WINDOWS = "sliding_window_view"
OF_WINDOWS = {  # what the operations are where an operand is the windows of an array
    "max": Row("Max Pooling", OTHER, "Max Pooling"),
    "mean": Row("Average Pooling", OTHER, "Average Pooling"),
    "matmul": Row("Convolution", "linear", "Convolution"),
}


def find_row(module: object) -> Row:
    """The row of a module; what has none goes by the name of its class, in the colour of a class that it is made of.

    >>> from minigrad import nn
    >>> class SlidingAttention(nn.MultiHeadAttention):
    ...     pass
    >>> find_row(SlidingAttention(4, 2, rng=np.random.default_rng(0)))
    Row(title='Sliding Attention', kind='attention', alone='')
    """
    own, *bases = (kind.__name__ for kind in type(module).__mro__)
    kind = next((MODULES[base].kind for base in bases if base in MODULES), OTHER)
    return MODULES.get(own) or Row(split_words(own), kind)


def name_module(title: str, path: str) -> str:
    """The title, or the name under which a module is held where that says the same more exactly.

    >>> name_module("Embedding", "input_embedding"), name_module("Embedding", "tokens")
    ('Input Embedding', 'Embedding')
    """
    held = split_words(path.rpartition("/")[2])
    return held if held.lower().endswith(" " + title.lower()) else title


def find_operation(node: Node) -> Row:
    """The row of a node; what only looks at its operand in another shape, or computes with a number, is left out."""
    table = OPERATIONS | OF_WINDOWS if any(map(looks_at_windows, node.inputs)) else OPERATIONS
    known = table.get(node.op or "")
    if known is not None or node.function is None:
        return known or Row("", OTHER)
    words = split_words(node.op or "")
    kind = "activation" if node.function.elementwise else OTHER
    return Row(words, kind, "" if node.function.view or node.function.symbol else words)


def looks_at_windows(operand: object) -> bool:
    """Whether it is the windows of an array, perhaps in another shape."""
    while isinstance(operand, Node) and operand.function is not None and operand.function.view:
        if operand.op == WINDOWS:
            return True
        operand = operand.inputs[0]
    return False


def split_words(name: str) -> str:
    """A name in Python as a title; single letters are those of formulas.

    >>> split_words("RNNCell"), split_words("output_probabilities"), split_words("class token")
    ('RNN Cell', 'Output Probabilities', 'Class Token')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ", name)
    return " ".join(word[:1].upper() + word[1:] if len(word) > 1 else word for word in spaced.split())
