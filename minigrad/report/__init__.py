"""A page about a training run, which is written anew while it trains."""

from minigrad.report.report import Report as Report
