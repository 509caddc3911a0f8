"""Graphs on other engines: a `Graph` enters, and what computes the same there leaves.

Each engine has a file, and a table of rows beside it that says what every op is in its words.
"""

from minigrad.export import jax as jax
from minigrad.export import onnx as onnx
from minigrad.export.onnx import to_onnx as to_onnx
