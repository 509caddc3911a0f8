"""What to say when a library that a data set is read from is not there."""

from __future__ import annotations


def missing_library(function: str, library: str, extra: str) -> ImportError:
    """The error to raise: it names the library, the extra that brings it, and what to type.

    >>> missing_library("dates", "Babel", "translation")
    ImportError('dates needs the library Babel, minigrad\\'s extra `translation`: python -m pip install Babel, \
or in a clone of minigrad python -m pip install ".[translation]"')
    """
    return ImportError(
        f"{function} needs the library {library}, minigrad's extra `{extra}`: python -m pip install {library}, "
        f'or in a clone of minigrad python -m pip install ".[{extra}]"'
    )
