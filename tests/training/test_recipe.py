import pytest

from har_core.errors import RecipeInvalid
from training import recipe
from training.recipe import Recipe


def test_the_recipes_that_ship_are_valid():
    assert {"quick", "finetune", "everyday", "sports"} <= set(recipe.presets())
    for name in recipe.presets():
        assert recipe.load(name).precision
    assert recipe.load("quick").epochs == 0
    assert recipe.load("finetune").epochs > 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('name = "x"\nepochz = 3', "epochz"),
        ("[augmentation]\ncrop = 2", "augmentation.crop"),
        ('name = "../x"', "name"),
        ('backbone = "../../etc"', "backbone"),
        ('start = "../other@1"', "start"),
        ("[[phases]]\nepochs = 0", "phases.0.epochs"),
        ("= 3", "TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_by_field(tmp_path, text, named):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(RecipeInvalid, match=named):
        recipe.load(str(tmp_path / "r.toml"))


def test_a_recipe_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(RecipeInvalid, match="quick"):
        recipe.load("nonsense")


def test_changes_reach_parts_lists_and_texts():
    plan = recipe.load("finetune", ["optimizer.batch_size=32", "phases.1.epochs=2", "name=mine", "start=random"])
    assert (plan.optimizer.batch_size, plan.phases[1].epochs, plan.name, plan.start) == (32, 2, "mine", "random")
    assert plan.phases[0] == recipe.load("finetune").phases[0]


@pytest.mark.parametrize("change", ["optimizer.x=1", "phases.9.epochs=1", "x", "seed=-1", "phases=3", "seed.x=1", "=1"])
def test_a_change_that_means_nothing_is_refused(change):
    with pytest.raises(RecipeInvalid):
        recipe.load("finetune", [change])


def test_every_option_says_what_it_is():
    for name, field in Recipe.model_fields.items():
        nested = getattr(field.annotation, "model_fields", None)
        if nested:
            assert all(part.description for part in nested.values()), name
        elif name != "phases":
            assert field.description, name


def test_the_recipe_of_a_model_can_be_taken_again(tiny_bundle, tmp_path):
    plan = recipe.load("finetune", ["seed=7"])
    info = tiny_bundle.info.model_copy(update={"recipe": plan.model_dump(mode="json")})
    (tmp_path / "bundle.json").write_text(info.model_dump_json())
    assert recipe.load(str(tmp_path / "bundle.json")) == plan
    assert recipe.load(str(tmp_path / "bundle.json"), ["phases.0.epochs=3"]).phases[0].epochs == 3
    for text in ("no json", "[]", "{}"):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(RecipeInvalid, match="no model's bundle"):
            recipe.load(str(tmp_path / "other.json"))
