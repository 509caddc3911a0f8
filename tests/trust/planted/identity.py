"""Old faults of keys, and of which object is which."""

import functools

import numpy as np

from tests.trust.planted.fault import Fault

KEYS, ARGUMENTS, PLACES = (
    f"tests/trust/test_law{name}.py" for name in ("5_keys", "1_arguments", "1_places")
)  # fmt: skip


def constants_by_address():
    from minigrad.compiler import rewrite

    by_content = rewrite.key_of_array
    # As `id` was after the memory of one had been given to the next.
    rewrite.key_of_array = lambda array: (
        by_content(array) if array.nbytes <= 2**16 else ("constant", array.dtype.str, array.shape, 0)
    )


def a_stand_in_for_each_place():
    from minigrad.compiler import compiled
    from minigrad.core.capture import Capture
    from minigrad.core.tensor import Tensor, new_tensor
    from minigrad.graph.captured import StandIns

    argument, key = StandIns.argument, compiled._key

    def anew(self, name, value):
        self.known.clear()
        return argument(self, name, value)

    def apart(x, objects):
        found = key(x, objects)
        for i, one in enumerate(objects):
            if any(one is other for other in objects[:i]) and isinstance(one, Tensor):
                objects[i] = new_tensor(one._held, requires_grad=one.requires_grad)
        return found

    StandIns.argument, compiled._key = anew, apart
    Capture.meet = lambda self, *tensors: None


def equal_numbers_are_one():
    from minigrad.graph import exact

    def loosely(value):
        if isinstance(value, (tuple, list)):
            return tuple(map(loosely, value))
        return frozenset(value) if isinstance(value, (set, frozenset)) else value

    exact.exact_key = loosely


def scalars_are_arrays():
    from minigrad.graph import captured

    captured.SCALARS = ""


def attributes_over_ours():
    from minigrad.compiler.compiled import Compiled

    initialise = Compiled.__init__

    def wrapped(self, function, check=0):
        initialise(self, function, check)
        functools.update_wrapper(self, self.function)

    Compiled.__init__ = wrapped


def methods_under_their_names():
    from minigrad.compiler.compiled import Compiled

    def get(self, instance, owner=None):
        if instance is None:
            return self
        bound = Compiled(self.function.__get__(instance), self.check)
        instance.__dict__[self.__name__] = bound
        return bound

    Compiled.__get__ = get


def byte_orders_written_as_they_print():
    from minigrad.compiler import printer
    from minigrad.graph.captured import StandIns

    right, argument = printer.text_of, StandIns.argument

    def text_of(value):
        return f"np.{value}" if isinstance(value, np.dtype) and value.kind != "b" else right(value)

    printer.text_of = text_of

    def as_it_is(self, name, value):
        used = argument(self, name, value)
        return self.recording.given[-1] if isinstance(value, np.ndarray) else used

    StandIns.argument = as_it_is


def lists_are_stray_arrays():
    from minigrad.core import op, tensor

    op.array_or_constant = tensor.array_or_constant = np.asarray


def data_is_read():
    from minigrad.core.arrays import read_only
    from minigrad.core.storage import array_of
    from minigrad.core.tensor import Tensor

    Tensor.data = property(lambda self: read_only(array_of(self)), Tensor.data.fset)


FAULTS = [
    Fault(
        "A1", "large constants are known by the address of their memory", constants_by_address,
        (f"{KEYS}::test_A1_computed_constants_of_every_size_are_told_apart",),
    ),
    Fault(
        "A2", "each place of an argument is a Tensor of its own", a_stand_in_for_each_place,
        (f"{KEYS}::test_A2_every_two_arguments_may_be_the_same_tensor",),
    ),
    Fault(
        "A4", "keys compare with ==", equal_numbers_are_one,
        (f"{KEYS}::test_A4_numbers_that_are_equal_have_programs_of_their_own",
         f"{KEYS}::test_A4_a_power_by_an_equal_number",
         f"{KEYS}::test_A4_what_is_inferred_for_a_parameter_is_not_taken_from_an_equal_one",
         f"{KEYS}::test_A4_operands_that_are_equal_are_not_one_operation"),
    ),
    Fault(
        "A5", "NumPy scalars are arrays of no axes", scalars_are_arrays,
        (f"{ARGUMENTS}::test_numpy_scalars_act_as_numbers",),
    ),
    Fault(
        "A8", "attributes of a module are copied over those of the compiled function", attributes_over_ours,
        (f"{PLACES}::test_a_compiled_function_does_what_the_function_does_there",),
    ),
    Fault(
        "A9", "compiled methods are kept under their names", methods_under_their_names,
        (f"{PLACES}::test_a_compiled_function_does_what_the_function_does_there",),
    ),
    Fault(
        "A11", "types of another byte order are written as they print", byte_orders_written_as_they_print,
        (f"{ARGUMENTS}::test_arrays_of_the_other_byte_order",),
    ),
    Fault(
        "A14", "lists of numbers are arrays that enter", lists_are_stray_arrays,
        (f"{ARGUMENTS}::test_A14_lists_in_the_source_are_constants",),
    ),
    Fault(
        "A15", "`.data` is read while a function is captured", data_is_read,
        (f"{PLACES}::test_a_training_step_may_be_written_in_every_way",),
    ),
]  # fmt: skip
