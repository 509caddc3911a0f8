"""Functions of a module, decorated in every way that minigrad knows: they must be found again by pickle."""

import functools

import minigrad as mg

NAMES = ["compiled", "checked_twice", "quiet", "scoped", "widened", "compiled_quietly", "partly", "of_a_function"]


@mg.compile
def compiled(x):
    return mg.exp(x)


@mg.compile(check=1)
def checked_twice(x):
    return mg.exp(x)


@mg.no_grad()
def quiet(x):
    return mg.exp(x)


@mg.scope("here")
def scoped(x):
    return mg.exp(x)


@mg.expanded("softmax")
def widened(x):
    return mg.softmax(x)


@mg.compile
@mg.no_grad()
def compiled_quietly(x):
    return mg.exp(x)


partly = functools.partial(compiled)
of_a_function = mg.compile(mg.softmax)
