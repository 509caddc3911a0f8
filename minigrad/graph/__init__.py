"""Graphs as plain data: made by `graph_of` and `trace`, read by listings, pictures and executors."""

from minigrad.graph.build import graph_of as graph_of
from minigrad.graph.build import trace as trace
from minigrad.graph.cost import Cost as Cost
from minigrad.graph.cost import Total as Total
from minigrad.graph.graph import Graph as Graph
from minigrad.graph.node import Node as Node
from minigrad.graph.node import Origin as Origin
from minigrad.graph.recorded import Recording as Recording
from minigrad.graph.recorded import recording as recording
from minigrad.graph.stats import Stats as Stats
from minigrad.graph.steps import Backward as Backward
from minigrad.graph.steps import Forward as Forward
from minigrad.graph.steps import Step as Step
