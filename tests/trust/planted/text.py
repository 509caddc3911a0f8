"""Faults of the text of programs and of scripts: numbers, operands, names, and how long planning takes."""

from tests.trust.planted.fault import Fault

NAMES = "tests/trust/test_law_names.py::"
ROLES = f"{NAMES}test_any_name_works_in_a_program_and_in_its_script"
PIECES = f"{NAMES}test_any_name_works_where_large_arrays_are_done_in_pieces"


def negative_numbers_without_brackets():
    from minigrad.compiler import printer
    from minigrad.compiler.expressions import Operation

    printer._WRITERS[Operation] = lambda printer, operation: f" {operation.symbol} ".join(
        map(printer.text, operation.operands)
    )


def operands_of_any_type_in_their_place():
    from minigrad.compiler import places
    from minigrad.compiler.layouts import PARTS
    from minigrad.graph import Node

    def hosts_of(self):
        hosts = {}
        for node in reversed(self.graph.nodes):
            if node.function not in PARTS:
                continue
            self.parts[node] = PARTS[node.function](self.values[node], *node.inputs, **node.params)
            for position, x in enumerate(node.inputs):
                if isinstance(x, Node) and x.function is not None and not places.is_view(x):
                    hosts.setdefault(x, (node, position))
        return hosts

    places.Placement._hosts = hosts_of


def names_of_the_language_for_variables():
    from minigrad.compiler import names

    mended = names.Names.__init__

    def begin(self):
        mended(self)
        self.reserved = {*names.PROGRAM, *names.KERNELS}

    names.Names.__init__ = begin


def a_number_behind_a_name_that_another_has():
    from collections import Counter

    from minigrad.compiler import names

    def new(self, name):
        counts = self.__dict__.setdefault("counts", Counter())
        counts[name] += 1
        free = name if counts[name] == 1 and name not in self.reserved else f"{name}_{counts[name]}"
        self.given.add(free)
        return free

    names.Names.new = new


def names_of_outputs_in_the_docstring_as_they_are():
    from minigrad.compiler import script

    script.as_docstring = lambda text: f'"""{text}"""'
    script.printable = lambda name: name


def every_block_of_memory_looked_at_for_every_block():
    from minigrad.compiler import memory

    def place_blocks(blocks):
        placed = []
        for block in sorted(blocks, key=lambda one: (-one.size, one.first)):
            offset = 0
            for other in sorted(placed, key=lambda one: one.offset):
                if other.last < block.first or block.last < other.first:
                    continue
                if offset + block.size <= other.offset:
                    break
                offset = max(offset, other.offset + other.size)
            placed.append(block._replace(offset=offset))
        return placed, max((block.offset + block.size for block in placed), default=0)

    memory.place_blocks = place_blocks


FAULTS = [
    Fault("A10", "variables called `range`, `min`, `bool`", names_of_the_language_for_variables, (PIECES,)),
    Fault("A10 numbers", "a numbered name may be that of another", a_number_behind_a_name_that_another_has, (ROLES,)),
    Fault("B1", "negative numbers before `**` without brackets", negative_numbers_without_brackets, (ROLES,)),
    Fault("B2", "operands of a join computed in the type of the whole", operands_of_any_type_in_their_place, (ROLES,)),
    Fault("B4", "names of outputs raw in a docstring", names_of_outputs_in_the_docstring_as_they_are, (ROLES,)),
    Fault(
        "E10", "every block of memory looked at for every block", every_block_of_memory_looked_at_for_every_block,
        ("tests/trust/test_law_growth.py::test_planning_grows_as_the_program_does",),
    ),
]  # fmt: skip
