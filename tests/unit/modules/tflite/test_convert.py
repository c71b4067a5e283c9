"""`modules.tflite.convert` and its parts: every recipe gives a file of TFLite's own operations, equal in result."""

from modules.network.weights import read_weights
from modules.tflite import convert as conversion
from modules.tflite import variants
from modules.tflite.convert import ConversionError, convert
from modules.tflite.graph import InferenceGraph
from modules.tflite.packed_embedding import embedding_table
from modules.tflite.recipes import RECIPES, RecipeError, resolve
from modules.tflite.settings import Quantize, Recipe, Storage

import numpy as np
import pytest
import tensorflow as tf

from tests.unit import compression_helpers as helpers


@pytest.fixture(scope="module")
def trained():
    return helpers.random_trained(seed=1)


@pytest.fixture(scope="module")
def rows():
    return helpers.examples(48, seed=5)


def _convert(trained, recipe: Recipe, rows, windows=()) -> conversion.Converted:
    return convert(
        read_weights(trained.model),
        trained.architecture,
        recipe,
        layout=helpers.text_layout(),
        windows=windows,
        calibration=[rows.take(np.array([row])).features for row in range(len(rows))],
    )


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_each_recipe_converts_to_builtin_operations_and_keeps_the_function(name, trained, rows) -> None:
    converted = _convert(trained, RECIPES[name], rows)
    assert not {"CUSTOM", "?"} & set(converted.operations)
    got = helpers.ran(converted.content, rows)
    report = helpers.compared(helpers.probabilities(trained, rows), got)
    bound = {"float32": 1e-5, "float16": 5e-3}.get(name, 0.25)
    assert report.max_abs < bound, report
    assert report.agreement >= (1.0 if bound < 0.01 else 0.8)
    assert report.worst[0]["difference"] == report.max_abs


def test_lower_bits_make_smaller_files(trained, rows) -> None:
    names = ("float32", "float16", "dynamic_wi8_afp32", "dynamic_wi4_afp32")
    sizes = [len(_convert(trained, RECIPES[name], rows).content) for name in names]
    assert sizes == sorted(sizes, reverse=True)


def test_both_kinds_of_gelu_and_uneven_layers_convert(rows) -> None:
    shape = {"activation": "gelu_tanh", "head_dim": 8, "layer_heads": (1, 3), "layer_intermediate_dims": (24, 40)}
    uneven = helpers.random_trained(**shape)
    got = helpers.ran(_convert(uneven, RECIPES["float32"], rows).content, rows)
    assert helpers.compared(helpers.probabilities(uneven, rows), got).max_abs < 1e-4


def test_what_is_in_the_padding_does_not_matter(trained, rows) -> None:
    content = _convert(trained, RECIPES["dynamic_wi8_afp32"], rows).content
    other = np.where(rows.padding_mask > 0, rows.token_ids, 7).astype(np.int32)
    np.testing.assert_allclose(
        helpers.ran(content, rows), helpers.ran(content, rows.changed(token_ids=other)), atol=0.02
    )


@pytest.mark.parametrize("name", ["float32", "dynamic_wi4_afp32_e4r2", "static_wi8_ai8"])
def test_a_shorter_window_answers_as_the_whole_one_does(name, trained, rows) -> None:
    whole, both = (_convert(trained, RECIPES[name], rows, windows) for windows in ((), (10,)))
    short = rows.take(np.flatnonzero(rows.lengths <= 10))
    assert 0 < len(short) < len(rows), "some texts fit, some do not"
    answers = [helpers.ran(made.content, rows) for made in (whole, both)]
    bound = 1e-5 if name == "float32" else 0.1  # scales of activations differ: each window has its own
    np.testing.assert_allclose(*answers, atol=bound)


def test_windows_share_their_weights() -> None:
    wide = helpers.random_trained(hidden_dim=128, intermediate_dim=512)
    rows = helpers.examples(8)
    whole, both = (len(_convert(wide, RECIPES["float32"], rows, windows).content) for windows in ((), (8,)))
    assert whole < both < 1.05 * whole


def test_a_window_that_is_not_shorter_is_left_out(trained, rows) -> None:
    recipe = RECIPES["float32"]
    assert _convert(trained, recipe, rows, (helpers.LENGTH, 400)).content == _convert(trained, recipe, rows).content


@pytest.mark.parametrize(("storage", "bound"), [("int8", 0.01), ("int4", 0.12), ("int2", 0.36)])
def test_a_packed_embedding_gives_the_rows_that_it_says_it_gives(storage, bound) -> None:
    table = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    table[3], table[7, :32] = 0.0, 0.0
    packed = embedding_table(table, Storage(bits=storage))
    ids = tf.constant([0, 3, 7, 49, 49])
    np.testing.assert_allclose(packed.lookup(ids), packed.dequantized()[ids], atol=1e-5)
    assert np.abs(packed.dequantized()[3]).max() < 0.02, "a zero stays (nearly) a zero"
    relative = np.linalg.norm(packed.dequantized() - table) / np.linalg.norm(table)
    assert relative < bound
    again = embedding_table(packed.dequantized(), Storage(bits=storage)).dequantized()
    assert np.linalg.norm(again - packed.dequantized()) < 0.02 * np.linalg.norm(table), "storing twice loses nothing"


def test_rare_rows_get_fewer_bits_and_the_frequent_ones_lose_nothing_by_it() -> None:
    table = np.random.default_rng(1).normal(size=(40, 64)).astype(np.float32)
    mixed = embedding_table(table, Storage(bits="int8", rare_bits="int2", frequent=10))
    ids = tf.constant([0, 9, 10, 39, 9])
    np.testing.assert_allclose(mixed.lookup(ids), mixed.dequantized()[ids], atol=1e-5)
    error = np.linalg.norm(mixed.dequantized() - table, axis=1) / np.linalg.norm(table, axis=1)
    assert error[:10].max() < 0.01 < 0.2 < error[10:].min()
    all_frequent = embedding_table(table, Storage(bits="int8", rare_bits="int2", frequent=40))
    np.testing.assert_array_equal(
        all_frequent.dequantized(), embedding_table(table, Storage(bits="int8")).dequantized()
    )


def test_a_block_that_does_not_divide_the_row_is_made_to_fit() -> None:
    table = np.random.default_rng(0).normal(size=(5, 24)).astype(np.float32)
    np.testing.assert_allclose(embedding_table(table, Storage(bits="int8")).dequantized(), table, atol=0.02)
    with pytest.raises(ValueError, match="does not pack"):
        embedding_table(np.zeros((4, 31), np.float32), Storage(bits="int4"))
    with pytest.raises(ValueError, match="rare_bits"):
        Storage(bits="int8", rare_bits="int3")  # type: ignore[arg-type]


@pytest.mark.parametrize("mask_value", [0.0, float("-inf")])
def test_a_mask_that_is_not_finite_and_negative_is_refused(mask_value, trained) -> None:
    table = embedding_table(read_weights(trained.model).token, Storage())
    with pytest.raises(ValueError, match="finite negative"):
        InferenceGraph(
            read_weights(trained.model),
            trained.architecture,
            table,
            layout=helpers.text_layout(8),
            mask_value=mask_value,
        )


def test_an_operation_that_tflite_lacks_is_named() -> None:
    class Foreign(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
        def tokens(self, values):
            return {"probabilities": tf.math.bessel_i0e(values)}

        @property
        def functions(self):
            return {"serving_default": self.tokens}

    with pytest.raises(ConversionError, match="BesselI0e"):
        conversion._to_flatbuffer(Foreign(), RECIPES["float32"])


def test_a_custom_operation_in_a_file_is_named() -> None:
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(tf.math.bessel_i0e).get_concrete_function(tf.TensorSpec([2], tf.float32))]
    )
    converter.allow_custom_ops = True
    with pytest.raises(ConversionError, match="BesselI0e"):
        conversion.check_operations(converter.convert())


def test_static_recipes_want_examples(trained) -> None:
    with pytest.raises(ConversionError, match="calibration"):
        convert(
            read_weights(trained.model),
            trained.architecture,
            RECIPES["static_wi8_ai8"],
            layout=helpers.text_layout(),
        )


def test_a_poisoned_recipe_is_reported_and_does_not_stop_the_others(trained, rows, tmp_path) -> None:
    poisoned = Recipe(name="poisoned", quantize=[Quantize(mode="dynamic", scope="no_such_layer")])
    index = variants.convert_all(
        trained,
        trained,
        rows,
        rows,
        [poisoned, RECIPES["dynamic_wi8_afp32"]],
        folder=str(tmp_path),
        layout=helpers.text_layout(),
        parity_rows=16,
    )
    assert "no operation" in index["variants"]["poisoned"]["error"]
    assert index["variants"]["dynamic_wi8_afp32"]["bytes"] > 0
    assert set(index["variants"]) == {"float32", "poisoned", "dynamic_wi8_afp32"}
    assert variants.read_index(str(tmp_path)) == index
    assert not (tmp_path / "poisoned").exists()
    assert len(variants.read_model(str(tmp_path), "reference")) == index["reference"]["bytes"]


def test_if_every_recipe_is_poisoned_the_node_fails(trained, rows, tmp_path) -> None:
    poisoned = Recipe(name="poisoned", quantize=[Quantize(mode="dynamic", scope="no_such_layer")])
    with pytest.raises(ConversionError, match="no recipe succeeded"):
        variants.convert_all(
            trained,
            trained,
            rows,
            rows,
            [poisoned],
            folder=str(tmp_path),
            layout=helpers.text_layout(),
            parity_rows=8,
        )


def test_recipes_are_data() -> None:
    for recipe in RECIPES.values():
        assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    own = {"name": "mine", "embedding": {"bits": "int8"}, "quantize": [{"mode": "dynamic", "scope": "head/"}]}
    assert resolve(["float32", "mine"], [Recipe.model_validate(own)])[1].quantize[0].scope == "head/"
    with pytest.raises(RecipeError, match="unknown recipe 'floa32'"):
        resolve(["floa32"])
    with pytest.raises(RecipeError, match="twice"):
        resolve(["float32", "float32"])
    with pytest.raises(ValueError, match="exclude each other"):
        Recipe.model_validate({**own, "float16": True})


def test_a_parity_report_names_the_worst_rows() -> None:
    expected = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], np.float32)
    got = np.array([[0.9, 0.1], [0.7, 0.3], [np.nan, 0.5]], np.float32)
    report = helpers.compared(expected, got, rows=[10, 20, 30])
    assert [entry["row"] for entry in report.worst] == [30, 20, 10]
    assert report.worst[0]["difference"] == 1.0, "not a number is as wrong as can be"
    assert report.agreement < 1.0
