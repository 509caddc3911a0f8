"""A program as an ONNX file: all that needs the library onnx."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

import minigrad
from minigrad.export.library import Library
from minigrad.export.onnx_program import Instruction, Program, Value
from minigrad.graph.node import Node
from minigrad.io.atomic import write_atomically

onnx: Any = Library("onnx", extra="onnx")
OPSET, IR_VERSION = 18, 10  # what PyTorch writes, too; the second, of 2024, has metadata of nodes
LARGEST = 2**31 - 2**20  # bytes that a file may have


def write_file(program: Program, path: str | os.PathLike[str]) -> None:
    size = sum(array.nbytes for array in program.constants.values())
    if size > LARGEST:
        raise ValueError(f'to_onnx: {size:,} bytes of weights; a file holds {LARGEST:,}: pass weights="inputs"')
    model = onnx.helper.make_model(
        _make_graph("minigrad", program),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="minigrad",
        producer_version=minigrad.__version__,
    )
    write_atomically(path, [model.SerializeToString()])


def _make_graph(name: str, program: Program) -> Any:
    outside = {value.name for value in (*program.inputs, *program.outputs)} | program.constants.keys()
    return onnx.helper.make_graph(
        [_make_node(instruction) for instruction in program.instructions],
        name,
        [_make_info(value) for value in program.inputs],
        [_make_info(value) for value in program.outputs],
        [onnx.numpy_helper.from_array(array, name) for name, array in program.constants.items()],
        value_info=[_make_info(value) for name, value in program.shapes.items() if name not in outside],
    )


def _make_info(value: Value) -> Any:
    return onnx.helper.make_tensor_value_info(value.name, _type_of(value.dtype), value.shape)


def _type_of(dtype: np.dtype[Any]) -> int:
    kind: int = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    return kind


def _make_node(instruction: Instruction) -> Any:
    made = onnx.helper.make_node(
        instruction.kind, instruction.inputs, instruction.outputs, name=instruction.name,
        doc_string=instruction.text,
        **{key: _make_attribute(value) for key, value in instruction.attributes.items()},
    )  # fmt: skip
    for key, text in describe(instruction.node).items() if instruction.node is not None else ():
        made.metadata_props.append(onnx.StringStringEntryProto(key=f"minigrad.{key}", value=text))
    return made


def _make_attribute(value: Any) -> Any:
    if isinstance(value, np.dtype):
        return _type_of(value)
    if isinstance(value, np.ndarray):
        return onnx.numpy_helper.from_array(value)
    return _make_graph("body", value) if isinstance(value, Program) else value


def describe(node: Node) -> Mapping[str, str]:
    """What a node of the file says of the node of the graph that it comes from."""
    facts = {
        "number": str(node.number), "op": node.op or node.role, "scope": node.scope, "name": node.name or "",
        "order": str(node.order), "purpose": node.purpose,
    }  # fmt: skip
    return {key: text for key, text in facts.items() if text}
