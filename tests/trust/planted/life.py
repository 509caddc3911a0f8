"""Old faults of memory, names, records, scopes, doors and growth."""

from __future__ import annotations

from tests.trust.planted.fault import Fault

SEALED = "tests/trust/test_sealed.py::test_E1_whatever_is_handed_out_the_values_stay"
RECORDS = "tests/trust/test_records.py::"
SCOPES = "tests/trust/test_scopes.py::"
DOORS = "tests/trust/test_doors.py::"
GROWTH = "tests/trust/test_growth.py::"


def open_memory() -> None:
    import minigrad as mg
    from minigrad.core.arrays import ReadOnly
    from minigrad.core.storage import memory_of

    mg.read = memory_of
    del ReadOnly.view


def registry_in_pickles() -> None:
    from minigrad.core.record import Function, registry

    Function.__reduce__ = lambda self: (registry.__getitem__, (self.name,))


def subclasses() -> None:
    from minigrad.core.tensor import Tensor

    del Tensor.__init_subclass__


def first_name_for_ever() -> None:
    from minigrad.nn import Module

    Module._recall_child = lambda self, child: child._get_calls().last.reached


def declared_once() -> None:
    from minigrad.core.record import Function, registry

    enter = Function._enter

    def refuse(self, stands_for):
        if self.name in registry:
            raise ValueError(f"an op named {self.name!r} is declared twice")
        enter(self, stands_for)

    Function._enter = refuse


def names_as_they_come() -> None:
    from minigrad.core.modes import Place

    Place.inside = lambda self, name: self._replace(scope=f"{self.scope}/{name}" if self.scope else name)


def any_name() -> None:
    from minigrad.core.tensor import Tensor

    Tensor.name = Tensor.name.setter(lambda self, value: setattr(self, "_name", value))


def stacked_arguments() -> None:
    from minigrad import transforms
    from minigrad.core.tensor import Tensor

    transforms._make_variable = lambda x: Tensor(x, requires_grad=True)


def models_alike() -> None:
    from minigrad.graph import build

    build.titles_of = lambda tensors: {}


def a_whole_for_each_part() -> None:
    import minigrad as mg

    mg.concatenate.joined = mg.getitem.added = None


def a_view_for_each_scope() -> None:
    from minigrad.drawing.explorer import layouts

    layouts.EVERY_DEPTH = layouts.MOST_OF_SCOPES = 10**6


FAULTS = [
    Fault("E1", "read gives the memory itself, and so do plain views", open_memory, (SEALED,)),
    Fault("E3", "functions are pickled with their registry", registry_in_pickles,
          (f"{RECORDS}test_E3_every_function_on_record_is_pickled_and_copied_as_itself",)),
    Fault("E4", "Tensor has subclasses", subclasses, (f"{DOORS}test_E4_a_subclass_of_tensor_is_refused_by_name",)),
    Fault("E5", "a module keeps the scope it had first", first_name_for_ever,
          (f"{SCOPES}test_E5_the_rule_holds_for_every_order_of_calls",)),
    Fault("E6", "a second declaration is refused", declared_once,
          (f"{RECORDS}test_E6_of_a_cell_that_is_run_twice_the_later_counts",)),
    Fault("E7", "names of scopes are joined as they come", names_as_they_come,
          (f"{SCOPES}test_E7_odd_names_of_scopes_are_normalised_for_every_reader",)),
    Fault("E9", "a name may be anything", any_name, (f"{DOORS}test_E9_a_name_is_a_text",)),
    Fault("E11", "nested arguments are stacked", stacked_arguments,
          (f"{DOORS}test_E11_arguments_are_nested_as_in_grad",)),
    Fault("E13", "models are not told apart", models_alike,
          (f"{SCOPES}test_E13_two_models_called_in_turn_are_told_apart",)),
    Fault("C5", "each part costs as much as the whole", a_whole_for_each_part,
          (f"{GROWTH}test_C5_the_backward_pass_of_n_parts_makes_no_n_wholes",
           f"{GROWTH}test_C5_the_places_of_n_parts_are_found_once")),
    Fault("E10-explore", "each depth and scope has a view", a_view_for_each_scope,
          (f"{GROWTH}test_E10_what_the_explorer_lays_out_grows_with_the_graph",)),
]  # fmt: skip
