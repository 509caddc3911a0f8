"""What Sphinx is told. The pages that it reads are put together by `assemble.py`; `python docs/site` runs both."""

import minigrad

project = "minigrad"
version = release = minigrad.__version__
copyright = "the minigrad authors"
extensions = ["myst_parser"]
root_doc = "index"
nitpicky = True

myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 6  # by GitHub's rules, so that links between headings hold in both places
suppress_warnings = ["misc.highlighting_failure"]  # listings and command lines stand in blocks without a grammar

html_theme = "furo"
html_title = "minigrad"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
linkcheck_timeout, linkcheck_retries, linkcheck_workers = 20, 2, 4
linkcheck_anchors = False  # of pages elsewhere


def set_language(app, page, template, context, doctree):
    if page.endswith(".zh"):
        context["language"] = "zh-CN"


def setup(app):
    app.connect("html-page-context", set_language)
