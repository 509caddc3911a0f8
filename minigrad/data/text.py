"""Character text and its integer ids.

`python_topics` gives a real text that every Python has, already split for training and validation; `Vocabulary` turns
characters into the ids that an embedding takes, and back.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minigrad.core.arrays import real_array


@dataclass(frozen=True)
class Text:
    """A text in two parts, `validation` after `train`, with where it comes from and the licence it is under.

    `train` is for training; `validation` is only for measuring.

    >>> python_topics().licence
    'PSF License Version 2'
    """

    train: str
    validation: str
    source: str
    licence: str


def python_topics() -> Text:
    """The help topics of Python's language reference, as `help("for")` shows them: about 465,000 characters.

    Source: the module `pydoc_data.topics` of the running Python, topics in the order of their names, a blank line
    between them. Licence: PSF License Version 2. Length and wording vary with the version of Python; in 3.11 there are
    465,126 characters, 103 different ones.

    The last tenth is the validation text. The topics quote each other: in 3.11, 22 % of the validation text lies in
    passages of at least 50 characters that are in the training text too. Losses on it are thus lower than on unseen
    prose, and are to be compared with each other (see `ngram_baselines`), not with those of other texts.

    Raises:
        ImportError: a Python that was installed without `pydoc_data`.

    >>> text = python_topics()
    >>> 0.1 <= len(text.validation) / len(text.train + text.validation) < 0.1001
    True
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise ImportError(
            "python_topics reads pydoc_data.topics, a part of the standard library that this Python was installed "
            "without; use a complete Python, or another text"
        ) from error
    text = "\n\n".join(topics[name] for name in sorted(topics))
    train_length = len(text) * 9 // 10
    return Text(
        train=text[:train_length],
        validation=text[train_length:],
        source=f"pydoc_data.topics of Python {platform.python_version()}",
        licence="PSF License Version 2",
    )


@dataclass(frozen=True, init=False)
class Vocabulary:
    """The different characters of a text, numbered from 0 in the order of their code points.

    `characters` holds them in that order and is all there is to store: `Vocabulary(vocabulary.characters)` equals
    `vocabulary`. `len(vocabulary)` is their number.

    Raises:
        TypeError: what is not a text.
        ValueError: an empty text.

    >>> vocabulary = Vocabulary("attention")
    >>> vocabulary
    Vocabulary(characters='aeinot')
    >>> vocabulary.encode("note")
    array([3, 4, 5, 1])
    >>> vocabulary.decode([3, 4, 5, 1])
    'note'
    """

    characters: str

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"Vocabulary is built from a str, got {type(text).__name__}")
        if not text:
            raise ValueError("Vocabulary is built from a text of at least one character, got an empty one")
        object.__setattr__(self, "characters", "".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> npt.NDArray[np.int64]:
        """The ids of the characters of `text`, int64 of shape (len(text),).

        Raises:
            TypeError: what is not a text.
            ValueError: a character that is not in the vocabulary; the first, and its position, are named.
        """
        if not isinstance(text, str):
            raise TypeError(f"Vocabulary.encode takes a str, got {type(text).__name__}")
        characters, code_points = _get_code_points(self.characters), _get_code_points(text)
        ids = np.minimum(np.searchsorted(characters, code_points), len(characters) - 1)
        unknown = np.flatnonzero(characters[ids] != code_points)
        if unknown.size:
            position = int(unknown[0])
            raise ValueError(
                f"Vocabulary.encode: character {text[position]!r} (U+{ord(text[position]):04X}) at position {position} "
                f"is not among the {len(self)} characters of the vocabulary"
            )
        return ids.astype(np.int64)

    def decode(self, ids: npt.ArrayLike) -> str:
        """The text whose ids are `ids`, integers of shape (length,).

        Raises:
            TypeError: ids that are not integers.
            ValueError: one that is not in [0, len(vocabulary)), or more or fewer than one axis.
        """
        array = real_array(ids, what="Vocabulary.decode: ids: ")
        if array.size == 0 and array.ndim == 1:
            return ""
        if array.dtype.kind not in "iu":
            raise TypeError(f"Vocabulary.decode takes integer ids, got {array.dtype}")
        if array.ndim != 1:
            raise ValueError(f"Vocabulary.decode takes ids of shape (length,), got {array.shape}; decode row by row")
        outside = np.flatnonzero((array < 0) | (array >= len(self)))
        if outside.size:
            position = int(outside[0])
            raise ValueError(
                f"Vocabulary.decode: id {array[position]} at position {position} is not in [0, {len(self)})"
            )
        return str(_get_code_points(self.characters)[array].tobytes(), "utf-32-le", "surrogatepass")


def _get_code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
