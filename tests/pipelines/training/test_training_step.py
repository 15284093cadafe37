"""One iteration: each optimizer moves its own networks by its own gradients, in the precision asked for."""

import copy

import pytest
import torch
from ignite.engine import Events

from pipelines.losses.adversarial import AdversarialLoss
from pipelines.losses.cycle import CycleLoss
from pipelines.losses.gradient_consistency import GradientConsistencyLoss
from pipelines.networks.image_pool import ImagePool
from pipelines.networks.patch_discriminator import PatchDiscriminator
from pipelines.networks.resnet_generator import ResnetGenerator
from pipelines.training.cyclegan import CycleGAN
from pipelines.training.objective import CycleGANObjective
from pipelines.training.trainer import CycleGANTrainer

GENERATORS, DISCRIMINATORS = "generator_", "discriminator_"


class Still(torch.optim.Optimizer):
    """Moves nothing, and keeps what gradients every network had when it was asked to step."""

    def __init__(self, parameters, networks):
        super().__init__(parameters, {})
        self.networks, self.seen = networks, {}

    def step(self, closure=None):
        self.seen = {
            name: None if weight.grad is None else weight.grad.clone()
            for name, weight in self.networks.named_parameters()
        }


def networks() -> CycleGAN:
    torch.manual_seed(1)
    return CycleGAN(
        generator_ab=ResnetGenerator(width=4, blocks=1),
        generator_ba=ResnetGenerator(width=4, blocks=1),
        discriminator_a=PatchDiscriminator(width=4, pixel_spacing=6.0),
        discriminator_b=PatchDiscriminator(width=4, pixel_spacing=6.0),
    )


def trainer(cyclegan, *, precision="float32", optimizer=None, iterations=1) -> CycleGANTrainer:
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 16), indexing="ij")
    samples = [{"a": (3 * rows).sin()[None], "b": (2 * columns).cos()[None]} for _ in range(iterations)]
    optimizer = optimizer or (lambda weights: torch.optim.Adam(weights, lr=1e-3))
    return CycleGANTrainer(
        device="cpu",
        max_epochs=1,
        epoch_length=iterations,
        train_data_loader=torch.utils.data.DataLoader(samples, batch_size=1),
        networks=cyclegan,
        objective=CycleGANObjective(
            adversarial=AdversarialLoss(), cycle=CycleLoss(), gradient_consistency=GradientConsistencyLoss()
        ),
        generator_optimizer=optimizer(list(cyclegan.generator_parameters())),
        discriminator_optimizer=optimizer(list(cyclegan.discriminator_parameters())),
        pool_a=ImagePool(size=2),
        pool_b=ImagePool(size=2),
        precision=precision,
    )


def test_each_step_gives_gradients_to_its_own_networks_only():
    cyclegan = networks()
    made = trainer(cyclegan, optimizer=lambda weights: Still(weights, cyclegan))
    made.run()
    generators, discriminators = made.generator_optimizer.seen, made.discriminator_optimizer.seen
    for name, gradient in generators.items():
        assert (gradient is not None) == name.startswith(GENERATORS), name
    # What the generators' own step left must not have been added to meanwhile.
    for name, gradient in discriminators.items():
        if name.startswith(GENERATORS):
            assert torch.equal(gradient, generators[name]), name
        else:
            assert gradient.abs().sum() > 0, name


def test_weights_of_all_four_networks_move():
    cyclegan = networks()
    before = copy.deepcopy(cyclegan.state_dict())
    trainer(cyclegan).run()
    still = [name for name, value in cyclegan.state_dict().items() if torch.equal(value, before[name])]
    # A bias before instance norm has no effect, so that only rounding moves it.
    assert not [name for name in still if name.endswith("weight")]


def test_generator_step_minimises_what_it_reports():
    made = trainer(networks(), iterations=30)
    losses = []
    made.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: losses.append(float(engine.state.output[0]["cycle_a"]))
    )
    made.run()
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_bfloat16_computes_networks_in_it_and_losses_in_float32():
    cyclegan = networks()
    kinds = []
    cyclegan.generator_ab.layers[1].register_forward_hook(lambda _m, _i, out: kinds.append(out.dtype))
    made = trainer(cyclegan, precision="bfloat16")
    made.run()
    output = made.state.output[0]
    scalars = {name: value for name, value in output.items() if torch.as_tensor(value).ndim == 0}
    assert set(kinds) == {torch.bfloat16}
    assert {value.dtype for value in map(torch.as_tensor, scalars.values())} == {torch.float32}
    assert all(torch.isfinite(torch.as_tensor(value)) for value in scalars.values())
    assert {weight.dtype for weight in cyclegan.parameters()} == {torch.float32}


def test_bfloat16_losses_are_near_those_of_float32():
    outputs = []
    for precision in ("float32", "bfloat16"):
        made = trainer(networks(), precision=precision)
        made.run()
        outputs.append(made.state.output[0])
    for name in ("generator", "discriminator", "cycle_a", "gradient_consistency_a"):
        assert float(outputs[1][name]) == pytest.approx(float(outputs[0][name]), rel=0.05)


def test_unknown_precision_names_the_known_ones():
    with pytest.raises(ValueError, match="float32, bfloat16, got 'float8'"):
        trainer(networks(), precision="float8")
