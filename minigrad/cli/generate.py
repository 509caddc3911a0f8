"""`minigrad generate CHECKPOINT`: what a model of text writes after a prompt, from the checkpoint alone."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from minigrad.cli.arguments import LARGEST_SEED, CommandError, real_number, whole_number
from minigrad.cli.run import SETTINGS
from minigrad.cli.threads import one_blas_thread
from minigrad.data import Vocabulary
from minigrad.drawing.text import escape_lines
from minigrad.io.checkpoint import VOCABULARY, read_checkpoint
from minigrad.io.models import make_model
from minigrad.nn import LanguageModel

SUMMARY = "let a model of text that was saved go on from a prompt"
DESCRIPTION = (
    "Write the prompt and what a model of text makes of it. The model and its characters are read from CHECKPOINT, "
    "which `minigrad train text` writes. A character is shown as soon as it is drawn; Ctrl-C ends the text. Equal "
    "arguments give equal texts; what a terminal cannot show is escaped."
)
EXAMPLE = "minigrad-train/text.safetensors --prompt The"
LENGTH, LONGEST = 400, 100_000  # characters
HOTTEST, MOST_CHARACTERS = 1000, 0x110000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("checkpoint", type=Path, metavar="CHECKPOINT", help="a .safetensors file")
    add("--prompt", required=True, metavar="TEXT", help="at least one character, of those that the model knows")
    length = f"characters that are added, 1 to {LONGEST:,} (default: {LENGTH})"
    add("--length", type=whole_number(1, LONGEST), default=LENGTH, metavar="N", help=length)
    temperature = "below 1 likely characters become likelier, 0 always takes the likeliest (default: 0.8)"
    add("--temperature", type=real_number(0, HOTTEST), default=0.8, metavar="T", help=temperature)
    top_k = "draw among the K likeliest characters only (default: all)"
    add("--top-k", type=whole_number(1, MOST_CHARACTERS), metavar="K", help=top_k)
    seed = f"same seed, same text: 0 to {LARGEST_SEED:,} (default: 0)"
    add("--seed", type=whole_number(0, LARGEST_SEED), default=0, metavar="S", help=seed)


@one_blas_thread()
def run(arguments: argparse.Namespace) -> int:
    model, vocabulary = load_text_model(arguments.checkpoint)
    if not arguments.prompt:
        raise CommandError("argument --prompt: expected at least one character")
    try:
        prompt = vocabulary.encode(arguments.prompt)
    except ValueError as error:
        raise CommandError(f"argument --prompt: {str(error).partition(': ')[2]} of {arguments.checkpoint}") from error
    rng = np.random.default_rng(arguments.seed)
    tokens = model.eval().stream(prompt, arguments.length, rng, arguments.temperature, arguments.top_k)
    begun = False
    try:
        for token in tokens:
            text = vocabulary.decode([token]) if begun else arguments.prompt + vocabulary.decode([token])
            begun = True
            print(escape_lines(text), end="", flush=True)
    except ValueError as error:
        raise CommandError(f"{arguments.checkpoint}: {error}") from error
    finally:
        if begun:
            print()
    return 0


def load_text_model(path: Path) -> tuple[LanguageModel, Vocabulary]:
    """A model of text, and its characters.

    Raises:
        CommandError: a checkpoint of something else.
        CheckpointError, OSError: it cannot be read, or its model cannot be made.
    """
    checkpoint = read_checkpoint(path)
    notes = checkpoint.notes
    characters = notes.get(VOCABULARY)
    if not isinstance(characters, str) or not characters:
        settings = notes.get("settings")
        task = settings.get("task") if isinstance(settings, dict) else None
        what = f", but one of `minigrad train {task}`" if isinstance(task, str) and task in SETTINGS else ""
        raise CommandError(f"{path} is no checkpoint of a model of text with its characters{what}")
    model, vocabulary = make_model(checkpoint, LanguageModel), Vocabulary(characters)
    if vocabulary.characters != characters or len(vocabulary) != len(model.embedding.weight):
        raise CommandError(
            f"{path} names {len(vocabulary)} different characters, its model has {len(model.embedding.weight)}"
        )
    return model, vocabulary
