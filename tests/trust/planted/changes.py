"""Old faults: what changes between calls, what a compiled function returns, and what it leaves behind."""

from tests.trust.planted.fault import Fault

LAW6 = "tests/trust/test_law6_changes.py"
LAW7 = "tests/trust/test_law7_finished_captures.py"


def programs_look_at_nothing():
    from minigrad.compiler.settings import Settings

    Settings.change = lambda self, moved: None


def results_have_no_mark():
    from minigrad.compiler.program import Program

    made = Program.__init__

    def unmarked(self, *args, **kwargs):
        made(self, *args, **kwargs)
        self._cut = [False] * len(self._cut)

    Program.__init__ = unmarked


def attributes_are_just_set():
    from minigrad.nn.module import Module, Watched

    Module.__setattr__ = Watched.__setattr__ = object.__setattr__


def locks_stay_as_they_are_in_a_child():
    import threading

    from minigrad.compiler import fork

    fork.Locked.__init__ = lambda self: setattr(self, "_lock", threading.RLock())


FAULTS = [
    Fault("A6", "results of compiled functions are not marked", results_have_no_mark,
          (f"{LAW7}::test_law7_what_a_compiled_op_returns_loses_no_gradient_in_silence",)),
    Fault("A7", "programs look at nothing but memory", programs_look_at_nothing,
          (f"{LAW6}::test_law6_a_change_between_two_calls_is_noticed",)),
    Fault("A12", "locks are not free in a child", locks_stay_as_they_are_in_a_child,
          ("tests/trust/test_fork.py::test_law6_every_lock_is_free_in_a_child",)),
    Fault("A13", "an attribute that is set while a function is captured is just set", attributes_are_just_set,
          (f"{LAW6}::test_law6_a_change_between_two_calls_is_noticed[A13: a buffer is set by the step itself]",)),
    Fault("E12", "a buffer that is set leaves the state", attributes_are_just_set,
          (f"{LAW6}::test_law6_state_stays_state",)),
]  # fmt: skip
