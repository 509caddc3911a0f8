"""Modules, each a plain class with a `forward`: layers, convolutions, recurrent nets, attention and transformers.

What they compute is made of ops, so a module's graph is the graph of its `forward`, with the module's name as scope.
"""

from minigrad.nn.attention import AttentionPooling as AttentionPooling
from minigrad.nn.attention import MultiHeadAttention as MultiHeadAttention
from minigrad.nn.cache import KeyValueCache as KeyValueCache
from minigrad.nn.convolution import Conv1d as Conv1d
from minigrad.nn.convolution import Conv2d as Conv2d
from minigrad.nn.language import LanguageModel as LanguageModel
from minigrad.nn.layers import Dropout as Dropout
from minigrad.nn.layers import Embedding as Embedding
from minigrad.nn.layers import FeedForward as FeedForward
from minigrad.nn.layers import LayerNorm as LayerNorm
from minigrad.nn.layers import Linear as Linear
from minigrad.nn.layers import RMSNorm as RMSNorm
from minigrad.nn.layers import Sequential as Sequential
from minigrad.nn.module import Module as Module
from minigrad.nn.normalisation import BatchNorm as BatchNorm
from minigrad.nn.normalisation import GroupNorm as GroupNorm
from minigrad.nn.positions import LearnedPositions as LearnedPositions
from minigrad.nn.positions import SinusoidalPositions as SinusoidalPositions
from minigrad.nn.positions import linear_biases as linear_biases
from minigrad.nn.positions import rotary as rotary
from minigrad.nn.positions import sinusoids as sinusoids
from minigrad.nn.recurrent import GRU as GRU
from minigrad.nn.recurrent import LSTM as LSTM
from minigrad.nn.tokens import TableTransformer as TableTransformer
from minigrad.nn.tokens import VisionTransformer as VisionTransformer
from minigrad.nn.transformer import Decoder as Decoder
from minigrad.nn.transformer import Encoder as Encoder
from minigrad.nn.transformer import TransformerBlock as TransformerBlock
from minigrad.wording import habits

habits.teach(__name__)
