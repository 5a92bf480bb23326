"""LongLag's engine: what runs, tunes, stores and scores. It knows no remedy and no task by name."""

from bench.contract import Batch, Lags, Method, SequenceModel, Sizes, Split, Task
from bench.data import data_folder
from bench.errors import BadInput
from bench.losses import MatchingLoss, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from bench.network import Network, Recurrent
from bench.recipe import BatchOptimizer, Change, Penalty, Recipe, Remedy

__all__ = [
    "BadInput",
    "Batch",
    "BatchOptimizer",
    "Change",
    "Lags",
    "MatchingLoss",
    "Method",
    "Network",
    "Penalty",
    "Recipe",
    "Recurrent",
    "Remedy",
    "SequenceModel",
    "SigmoidCrossEntropy",
    "Sizes",
    "SoftmaxCrossEntropy",
    "Split",
    "SquaredError",
    "Task",
    "data_folder",
]
