"""What a plugin author reads: tasks, methods, remedies, and the recipe that remedies change."""

from longlag.bench.contract.data import data_folder
from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.losses import MatchingLoss, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from longlag.bench.contract.method import Method, SequenceModel
from longlag.bench.contract.network import Network, Recurrent
from longlag.bench.contract.recipe import BatchOptimizer, Change, Penalty, Recipe, Remedy
from longlag.bench.contract.task import Batch, Lags, Sizes, Split, Task

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
