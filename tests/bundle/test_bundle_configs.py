"""Every config holds together: references lead somewhere, every `_target_` takes its arguments."""

import ast
import inspect
import json
import pydoc
import re
from collections.abc import Iterator

import pytest
from monai.bundle import ConfigComponent, ConfigExpression, ConfigItem, ConfigParser, ReferenceResolver
from torch import nn
from toys import CONFIGS

WORKFLOWS = ("preprocess", "train", "inference", "evaluate")
"""Configs that run by themselves; all others are laid over some of these."""

FILES = sorted(path.relative_to(CONFIGS).with_suffix("").as_posix() for path in CONFIGS.rglob("*.json"))
OVERLAYS = sorted(set(FILES) - set(WORKFLOWS) - {"metadata"})
OVERLAID = ("preprocess", "train", "evaluate")
"""Workflows that take an overlay; inference is overlaid by a model folder's own description."""

COMBINATIONS = [(name,) for name in WORKFLOWS] + [(base, over) for over in OVERLAYS for base in OVERLAID]


def parser(*names: str) -> ConfigParser:
    files = [str(CONFIGS / f"{name}.json") for name in names]
    parsed = ConfigParser(ConfigParser.load_config_files(files))
    parsed.parse(reset=True)
    return parsed


def used_items(parsed: ConfigParser, roots: set[str]) -> dict[str, ConfigItem]:
    """Items of a workflow's own entries, and of what those refer to: an overlay may have more for others."""
    items = {name: item for name, item in parsed.ref_resolver.items.items() if name}
    reached, waiting = set(), set(roots)
    while waiting:
        reached |= waiting
        inside = {name for name in items if name.partition("::")[0] in waiting}
        found = {
            reference.partition("::")[0] for name in inside for reference in references(items[name], name)
        }
        waiting = found - reached
    return {name: item for name, item in items.items() if name.partition("::")[0] in reached}


def references(item: ConfigItem, name: str) -> dict[str, int]:
    return ReferenceResolver.find_refs_in_config(config=item.get_config(), id=name)


def faults(parsed: ConfigParser, roots: set[str]) -> Iterator[str]:
    items = used_items(parsed, roots)
    for name, item in items.items():
        for reference in references(item, name):
            if reference not in items:
                yield f"{name}: refers to {reference}, which is not there"
        if isinstance(item, ConfigComponent):
            yield from argument_faults(name, item)
        if ConfigExpression.is_expression(item.get_config()):
            yield from expression_faults(name, item.get_config(), parsed)


def argument_faults(name: str, item: ConfigComponent) -> Iterator[str]:
    target = item.resolve_module_name()
    found = pydoc.locate(target) if isinstance(target, str) else target
    if found is None:
        yield f"{name}: no {target}"
        return
    try:
        bare = inspect.isclass(found) and found.__init__ is nn.Module.__init__
        signature = inspect.Signature() if bare else inspect.signature(found)
        signature.bind(**item.resolve_args())
    except TypeError as error:
        yield f"{name}: {target} does not take these arguments: {error}"


def expression_faults(name: str, expression: str, parsed: ConfigParser) -> Iterator[str]:
    code = re.sub(r"@([\w:]+)", "reference", expression.removeprefix("$"))
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        yield f"{name}: {expression!r} is no Python: {error}"
        return
    if name.startswith("imports"):
        return
    imported = {
        alias.asname or alias.name
        for line in parsed.get("imports")
        for node in ast.walk(ast.parse(line.removeprefix("$")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    known = imported | set(dir(__import__("builtins"))) | {"reference", "torch", "monai", "np", "numpy"}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if used - known:
        yield f"{name}: {expression!r} uses {sorted(used - known)}, which the config does not import"


def test_every_config_is_known_and_checked():
    assert set(FILES) == {
        "preprocess",
        "train",
        "inference",
        "evaluate",
        "metadata",
        "quickstart",
        "recipes/abdomen",
        "recipes/brain",
        "recipes/hiasa_2018",
        "recipes/hip",
        "recipes/t1_t2",
    }
    assert {name for names in COMBINATIONS for name in names} == set(FILES) - {"metadata"}


@pytest.mark.parametrize("names", COMBINATIONS, ids=" + ".join)
def test_everything_in_a_config_holds(names):
    parsed, roots = parser(*names), set(parser(names[0]).get())
    items = used_items(parsed, roots).values()
    components = [item for item in items if isinstance(item, ConfigComponent)]
    least = {"preprocess": 8, "train": 25, "inference": 12, "evaluate": 3}[names[0]]
    assert len(components) >= least
    assert list(faults(parsed, roots)) == []


def test_the_checks_find_what_is_wrong():
    """Each fault that they are for, planted."""
    parsed = ConfigParser(
        {
            "imports": ["$import cyclevox"],
            "lost": "@nowhere",
            "unknown": {"_target_": "pipelines.nowhere.Thing"},
            "extra": {"_target_": "pipelines.losses.cycle.CycleLoss", "weight": 3},
            "missing": {"_target_": "pipelines.training.schedule.ConstantThenLinear", "constant": 1},
            "unimported": "$foo(@lost)",
            "broken": "$1 +",
        }
    )
    parsed.parse(reset=True)
    assert {fault.partition(":")[0] for fault in faults(parsed, set(parsed.get()))} == {
        "lost",
        "unknown",
        "extra",
        "missing",
        "unimported",
        "broken",
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_names_ids_of_a_workflow_or_its_own(name):
    """MONAI takes an unknown id in silence: a misspelt one would change nothing."""
    overlay = json.loads((CONFIGS / f"{name}.json").read_text())
    known = {key for base in WORKFLOWS for key in json.loads((CONFIGS / f"{base}.json").read_text())}
    own = {key for key in overlay if f"@{key}" in json.dumps(overlay)}
    assert set(overlay) - known - own == set()


def test_train_json_is_the_papers_recipe_to_the_number():
    """Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4, sections 2 and 3."""
    config = json.loads((CONFIGS / "train.json").read_text())
    plain = {
        "learning_rate": 2e-4,
        "beta1": 0.5,
        "cycle_weight": 3.0,
        "gradient_consistency_weight": 0.3,
        "gradient_consistency_kind": "signed",
        "constant_iterations": 100_000,
        "decay_iterations": 100_000,
        "batch_size": 1,
        "pool_size": 50,
        "plane": "coronal",
        "position_tolerance": None,
        "precision": "float32",
    }
    assert {name: config[name] for name in plain} == plain
    assert config["max_epochs"] * config["epoch_length"] == 200_000
    network = {name: value for name, value in config["network_def"].items() if name != "_target_"}
    assert network == {
        "in_channels": 1,
        "out_channels": 1,
        "width": 64,
        "blocks": 9,
        "norm": "instance",
        "upsampling": "transposed",
    }
    assert config["objective"]["identity_weight"] == 0
    windows = {domain: (steps[-1]["low"], steps[-1]["high"]) for domain, steps in config["windows"].items()}
    assert windows == {"mr": (0, 100), "ct": (-150, 350)}


def test_the_discriminators_patch_is_70_pixels_at_the_papers_spacing():
    from pipelines.networks.patch_discriminator import layers_for_patch, receptive_field

    config = json.loads((CONFIGS / "train.json").read_text())
    grid = json.loads((CONFIGS / "preprocess.json").read_text())
    right, _, head = grid["reference_spacing"]
    assert (right, head) == (320 / 256, 320 / 256)
    assert receptive_field(layers_for_patch(pixel_spacing=right, patch_mm=config["patch_mm"])) == 70
    assert config["discriminator_width"] == 64
    assert grid["reference_size"] == [256, 38, 256]


def test_preprocessing_quickstart_and_evaluation_share_their_windows():
    """A cohort prepared by preprocess.json alone trains and is judged on the same windows."""
    windows = [parser(name).get("windows") for name in ("preprocess", "quickstart", "evaluate")]
    assert windows[1:] == windows[:-1]


@pytest.mark.parametrize("name", OVERLAYS)
def test_windows_are_lists_of_steps_wherever_they_stand(name):
    """One form for preparation, training and evaluation, so that one overlay serves all three."""
    for steps in json.loads((CONFIGS / f"{name}.json").read_text()).get("windows", {}).values():
        assert isinstance(steps, list)
        assert steps[-1]["_target_"].startswith("preprocessing.window.")
