"""The same values, laid out in memory in odd ways."""

import numpy as np


def plain(array):
    return array.copy()


def fortran(array):
    return np.asfortranarray(array)


def backwards(array):
    key = (slice(None, None, -1),) * array.ndim
    return array[key].copy()[key]


def every_second(array):
    wide = np.zeros([2 * n for n in array.shape], array.dtype)
    key = (slice(None, None, 2),) * array.ndim
    wide[key] = array
    return wide[key]


def sealed(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    result = memory.view(array.dtype).reshape(array.shape)
    result[...] = array
    return result


def one_for_all(array):
    return (
        np.broadcast_to(array.reshape(-1)[:1].copy().reshape((1,) * array.ndim), array.shape) if array.size else array
    )


LAYOUTS = {
    function.__name__: function
    for function in (plain, fortran, backwards, every_second, sealed, unaligned, one_for_all)
}
