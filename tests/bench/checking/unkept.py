"""A plugin file for tests: methods and tasks, each of which breaks one promise."""

import torch

from longlag import Batch, Method, Remedy, SequenceModel, SquaredError, Task


class Net(SequenceModel):
    def __init__(self, task, rate=0.01):
        super().__init__(task)
        self.rate = rate
        self.layer = torch.nn.RNN(task.input_size, 8)
        self.readout = torch.nn.Linear(8, task.output_size)

    def forward(self, inputs, mask):
        return self.readout(self.layer(inputs)[0][mask])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), self.rate)


class Whole(Method):
    name = "whole"

    def suggest(self, trial, task):
        return {"rate": trial.suggest_float("rate", 1e-3, 1e-1, log=True)}

    def build(self, task, **hyperparameters):
        return Net(task, **hyperparameters)


class Drawing(Whole):
    name = "drawing"
    drawn = 0

    def suggest(self, trial, task):
        Drawing.drawn += 1
        return {"rate": 0.01 * Drawing.drawn}


class Guessing(Whole):
    name = "guessing"

    def recipes(self, sizes):
        return [{"rate": 0.5}]


class Wide(Whole):
    name = "wide"

    def build(self, task, **hyperparameters):
        class Everywhere(Net):
            def forward(self, inputs, mask):
                return self.readout(self.layer(inputs)[0])

        return Everywhere(task)


class Greedy(Remedy):
    name = "greedy"
    changes = "gradient"

    def apply(self, recipe):
        return recipe.replace(units=recipe.units + 1)


class Still(Whole):
    name = "still"

    def suggest(self, trial, task):
        return {"rate": 0.0}


class Seeding(Whole):
    name = "seeding"

    def build(self, task, **hyperparameters):
        torch.manual_seed(0)
        return Net(task, **hyperparameters)


class Forgetful(Whole):
    name = "forgetful"

    def build(self, task, **hyperparameters):
        class Hidden(Net):
            def __init__(self, *given):
                super().__init__(*given)
                self.drawn = [torch.randn(8)]

            def forward(self, inputs, mask):
                return self.readout(self.layer(inputs)[0][mask] + self.drawn[0])

        return Hidden(task)


class Cheap(Whole):
    name = "cheap"

    def build(self, task, **hyperparameters):
        class Free(Net):
            def cost(self, batch):
                return 1.0

        return Free(task)


class Uphill(Whole):
    name = "uphill"

    def build(self, task, **hyperparameters):
        class Wrong(Net):
            def training_step(self, batch, index):
                return -super().training_step(batch, index)

        return Wrong(task)


class Meddling(Whole):
    name = "meddling"

    def build(self, task, **hyperparameters):
        torch.set_num_threads(2 if torch.get_num_threads() == 1 else 1)
        return Net(task, **hyperparameters)


class Plain(Task):
    name = "plain"
    source = "none"
    facts = dict.fromkeys(("inputs", "targets", "length", "lag", "loss", "wrong", "trivial"), "one")
    input_size = output_size = 1
    loss = SquaredError()
    chance, chance_loss = 0.9, 1 / 3

    def __init__(self, lag, variant=None):
        super().__init__(lag, variant)
        self.minimal_lag = lag

    def sample(self, batch_size, generator):
        inputs = torch.zeros(self.lag + 1, batch_size, 1)
        inputs[0] = 2 * torch.rand(batch_size, 1, generator=generator) - 1
        mask = torch.zeros(self.lag + 1, dtype=torch.bool)
        mask[-1] = True
        return Batch(inputs, inputs[:1], mask)

    def wrong(self, outputs, batch):
        return ~((outputs - batch.targets).abs().amax((0, 2)) <= 0.1)


class AnyLag(Plain):
    name = "any_lag"

    def __init__(self, lag, variant=None):
        self.variant, self.lag = variant or "standard", lag
        self.minimal_lag = max(lag, 1)


class Doubles(Plain):
    name = "doubles"

    def sample(self, batch_size, generator):
        batch = super().sample(batch_size, generator)
        return Batch(batch.inputs.double(), batch.targets, batch.mask)


class Global(Plain):
    name = "global"

    def sample(self, batch_size, generator):
        return super().sample(batch_size, torch.Generator().manual_seed(torch.initial_seed()))


class Lenient(Plain):
    name = "lenient"

    def wrong(self, outputs, batch):
        return (outputs - batch.targets).abs().amax((0, 2)) > 0.1


class Sure(Plain):
    name = "sure"
    chance = 1.5


class Short(Plain):
    name = "short"

    def sample(self, batch_size, generator):
        batch = super().sample(batch_size, generator)
        return Batch(batch.inputs[:5], batch.targets, torch.tensor([False] * 4 + [True]))


class FarTwin(Plain):
    name = "far_twin"

    def bring_near(self):
        """Nowhere."""


class Silent(Plain):
    name = "silent"
    facts = {}  # noqa: RUF012 - as a newcomer writes it
