"""minigrad: a small reverse-mode automatic-differentiation engine whose training step is one readable graph."""

__version__ = "0.1.0"

from minigrad import nn as nn
from minigrad import ops as ops
from minigrad import optim as optim
from minigrad.base.record import call as call
from minigrad.base.record import composition as composition
from minigrad.base.record import registry as registry
from minigrad.checks import GradientReport as GradientReport
from minigrad.checks import check_gradients as check_gradients
from minigrad.core.autodiff import grad as grad
from minigrad.core.errors import CaptureError as CaptureError
from minigrad.core.errors import CheckpointError as CheckpointError
from minigrad.core.errors import GradientCheckError as GradientCheckError
from minigrad.core.errors import GraphError as GraphError
from minigrad.core.errors import MinigradError as MinigradError
from minigrad.core.modes import expanded as expanded
from minigrad.core.modes import no_grad as no_grad
from minigrad.core.modes import scope as scope
from minigrad.core.modes import trace_lines as trace_lines
from minigrad.core.op import op as op
from minigrad.core.tensor import Tensor as Tensor
from minigrad.core.tensor import assign as assign
from minigrad.core.tensor import constant as constant
from minigrad.core.tensor import read as read
from minigrad.drawing.heatmap import heatmap as heatmap
from minigrad.graph import Graph as Graph
from minigrad.graph import Node as Node
from minigrad.graph import graph_of as graph_of
from minigrad.graph import trace as trace
from minigrad.io import load_checkpoint as load_checkpoint
from minigrad.io import save_checkpoint as save_checkpoint
from minigrad.memory import keep_memory as keep_memory
from minigrad.ops import *  # noqa: F403  # the ops
from minigrad.ops.random import generator as generator
from minigrad.training import fit as fit
from minigrad.transforms import hessian as hessian
from minigrad.transforms import hvp as hvp
from minigrad.transforms import jacobian as jacobian
from minigrad.transforms import jvp as jvp
from minigrad.transforms import vjp as vjp
