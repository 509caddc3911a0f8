"""A function of a user, in a module that needs nothing: scripts that call it import it."""


def scaled(x, *, factor=2.0):
    return x * factor
