"""Optimisers, schedules of their rate, and clipping of gradients.

Everything is written in ops on state that is read and assigned, so that a training step can be captured as one graph.
"""

from minigrad.optim.adam import Adam as Adam
from minigrad.optim.adam import AdamW as AdamW
from minigrad.optim.clipping import clip_gradients as clip_gradients
from minigrad.optim.optimiser import Optimiser as Optimiser
from minigrad.optim.rmsprop import RMSprop as RMSprop
from minigrad.optim.schedules import Constant as Constant
from minigrad.optim.schedules import InverseSquareRoot as InverseSquareRoot
from minigrad.optim.schedules import Milestones as Milestones
from minigrad.optim.schedules import Schedule as Schedule
from minigrad.optim.schedules import StepDecay as StepDecay
from minigrad.optim.schedules import WarmupCosine as WarmupCosine
from minigrad.optim.sgd import SGD as SGD
from minigrad.wording import habits

habits.teach(__name__)
