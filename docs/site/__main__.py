"""Build the site: `python docs/site`, with the extra `docs`. Whatever Sphinx warns of is an error.

Options: `--out FOLDER`; `--check-links` asks other hosts too; `--execute` runs every notebook.
"""

import argparse
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from assemble import ROOT, assemble
from notebooks import execute
from sphinx.cmd.build import main as sphinx_build


def main() -> int:
    parser = argparse.ArgumentParser(prog="python docs/site", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--check-links", action="store_true", help="also ask whether links to other hosts hold")
    parser.add_argument("--execute", action="store_true", help="also run every notebook; takes minutes")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        pages = Path(temporary) / "pages"
        assemble(pages)
        common = ["-W", "--keep-going", "-n", "-q", "-c", str(Path(__file__).parent), "-d", f"{temporary}/doctrees"]
        code = sphinx_build(["-b", "html", *common, str(pages), str(options.out)])
        shutil.copytree(pages / "explorers", options.out / "explorers")
        if options.check_links and not has_network():
            print("no network: links to other hosts were not tried")
        elif options.check_links and not code:
            code = sphinx_build(["-b", "linkcheck", *common, str(pages), f"{temporary}/links"])
        for notebook in sorted(pages.rglob("*.ipynb")) if options.execute else []:
            print(notebook.relative_to(pages), flush=True)
            with tempfile.TemporaryDirectory() as empty:
                execute(notebook, Path(empty))
    return code


def has_network() -> bool:
    try:
        return bool(socket.getaddrinfo("doi.org", 443))
    except OSError:
        return False


sys.exit(main())
