import gc
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from pspy_dask.kernels import forest as kernel
from pspy_dask.kernels.forest import (
    forest_labels,
    forest_probabilities,
    plain_labels,
    plain_probabilities,
)
from pspy_dask.kernels.forest_codes import BLOCK
from pspy_dask.kernels.forest_lanes import LaneTables, encode_by_lanes, walk_by_lanes
from pspy_dask.kernels.forest_steps import StepTables, encode_by_steps, walk_by_steps
from pspy_dask.kernels.forest_tables import LANES, forest_tables
from pspy_dask.kernels.forest_votes import settled_labels, summed_shares
from pspy_dask.kernels.trees import Tree, forest_of_estimator, forest_of_trees

MANY = BLOCK + 700  # more than a block, and no multiple of what walks together


def table(rows, features, seed=0):
    """Rows whose first features matter, the last of them constant, rounded so that many equal."""
    drawn = np.random.default_rng(seed).normal(0, 30, (rows, features)).round(1)
    drawn[:, 1:2] = np.abs(drawn[:, 1:2])
    drawn[:, features - 1 :] = 7
    return drawn.astype(np.float32)


def classes_of(rows, number, seed=0):
    noise = np.random.default_rng(seed).normal(0, 15, len(rows))
    score = rows[:, 0] + (rows[:, 1] if rows.shape[1] > 1 else 0) + noise
    edges = np.quantile(score, np.arange(1, number) / number)
    return np.searchsorted(edges, score)


def grown(classes=2, features=7, kind=RandomForestClassifier, names=None, trees=20, **options):
    rows = table(600, features, 1)
    target = classes_of(rows, classes)
    if names is not None:
        target = np.array(names)[target]
    return kind(trees, random_state=0, n_jobs=1, **options).fit(rows, target)


def formats(forest):
    """Tables of both formats, where the processor has both."""
    return [forest_tables(forest, lanes=lanes) for lanes in sorted({False, LANES})]


def all_equal(estimator, rows):
    """All paths that the processor has, and the public functions."""
    forest = forest_of_estimator(estimator)
    labels, shares = estimator.predict(rows), estimator.predict_proba(rows)
    plain = plain_labels(forest, rows)
    np.testing.assert_array_equal(forest.classes[plain], labels)
    np.testing.assert_array_equal(plain_probabilities(forest, rows), shares)
    got = forest_labels(forest, rows)
    assert got.dtype == labels.dtype
    np.testing.assert_array_equal(got, labels)
    np.testing.assert_array_equal(forest_probabilities(forest, rows), shares)
    for tables in formats(forest):
        settled = settled_labels(rows, tables)
        np.testing.assert_array_equal(settled[settled >= 0], plain[settled >= 0])
        sums = summed_shares(rows, tables, forest.nodes.value)
        np.testing.assert_array_equal(sums / forest.roots.size, shares)


@pytest.mark.parametrize("classes", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "options", [{}, {"max_depth": 1}, {"max_depth": 4}, {"min_samples_leaf": 5}], ids=str
)
def test_equals_scikit_learn(classes, options):
    all_equal(grown(classes, **options), table(MANY, 7))


@pytest.mark.parametrize("features", [1, 2, 4, 8, 9, 16, 17, 32, 33, 100])
def test_any_number_of_features(features):
    all_equal(grown(3, features), table(MANY, features))


@settings(max_examples=25, deadline=None)
@given(
    features=st.integers(1, 40),
    classes=st.sampled_from([2, 3, 12]),
    kind=st.sampled_from([RandomForestClassifier, ExtraTreesClassifier]),
    depth=st.sampled_from([None, 1, 3, 9]),
    rows=st.integers(64, 3000),
)
def test_any_forest(features, classes, kind, depth, rows):
    all_equal(grown(classes, features, kind, trees=7, max_depth=depth), table(rows, features))


def deep(features, nodes, trees=2, kind=RandomForestClassifier):
    """A forest that learns noise by heart, so that its trees have about so many nodes."""
    drawn = np.random.default_rng(0)
    rows = drawn.normal(0, 1, (nodes, features)).astype("f4")
    estimator = kind(trees, random_state=0, max_features=1, bootstrap=False)
    estimator.fit(rows, drawn.integers(0, 2, nodes))
    assert min(tree.tree_.node_count for tree in estimator.estimators_) > nodes * 0.7
    return estimator, rows


def path(levels, features=1):
    """A forest of three trees where each node has a leaf and the next node."""
    left = np.full(2 * levels + 1, -1)
    left[: 2 * levels : 2] = np.arange(1, 2 * levels, 2)
    inner = left >= 0
    right = np.where(inner, left + 1, -1)
    asks = np.arange(left.size) // 2 % features * inner
    value = np.eye(2)[np.arange(left.size) // 2 % 2]
    tree = Tree(left, right, asks, np.arange(left.size) / 2.0, value, inner)
    return forest_of_trees([tree] * 3, np.arange(2), features)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize(("features", "nodes"), [(7, 9000), (9, 5000), (30, 2500), (3, 25000)])
def test_deep_trees(kind, features, nodes):
    estimator, known = deep(features, nodes, kind=kind)
    drawn = np.random.default_rng(1).normal(0, 1, (MANY, features)).astype("f4")
    all_equal(estimator, np.concatenate((known[:3000], drawn)))


def test_trees_of_more_than_64k_nodes():
    estimator, known = deep(2, 90_000, trees=1)
    assert estimator.estimators_[0].tree_.node_count > 1 << 16
    all_equal(estimator, known[:5000])


@pytest.mark.parametrize(
    ("features", "levels", "lanes"),
    [
        (8, 4095, True),
        (8, 4096, False),
        (16, 2047, True),
        (9, 2048, False),
        (32, 1023, True),
        (17, 1024, False),
        (33, 10, False),
    ],
)
def test_paths_to_the_limits_of_lanes_and_beyond(features, levels, lanes):
    """The last rows of a block reach their leaves late."""
    forest = path(levels, features)
    found = forest_tables(forest, lanes=True)
    assert isinstance(found.walk, LaneTables if lanes else StepTables)
    drawn = np.random.default_rng(0).integers(0, 2 * levels, (MANY, features))
    rows = (drawn // 2 + drawn % 2 * levels).astype("f4")
    expected, shares = plain_labels(forest, rows), plain_probabilities(forest, rows)
    for tables in formats(forest):
        np.testing.assert_array_equal(settled_labels(rows, tables), expected)
        sums = summed_shares(rows, tables, forest.nodes.value)
        np.testing.assert_array_equal(sums / 3, shares)


@pytest.mark.parametrize("trees", [1, 2, 7, 100])
def test_any_number_of_trees(trees):
    all_equal(grown(2, trees=trees), table(MANY, 7))


@pytest.mark.parametrize(
    "options",
    [
        {"kind": ExtraTreesClassifier},
        {"max_leaf_nodes": 9},
        {"class_weight": "balanced"},
        {"criterion": "entropy", "bootstrap": False},
        {"names": ["particle", "background", "membrane"]},
        {"names": [3, -1, 2]},
        {"names": [True, False, True]},
    ],
    ids=str,
)
def test_forests_of_other_kinds(options):
    all_equal(grown(3, **options), table(MANY, 7))


@pytest.mark.parametrize("rows", [0, 1, 2, 63, 64, 65, BLOCK, BLOCK + 1])
def test_any_number_of_rows(rows):
    estimator, given = grown(), table(max(rows, 1), 7)
    forest = forest_of_estimator(estimator)
    labels, shares = estimator.predict(given)[:rows], estimator.predict_proba(given)[:rows]
    np.testing.assert_array_equal(forest_labels(forest, given[:rows]), labels)
    np.testing.assert_array_equal(forest_probabilities(forest, given[:rows]), shares)


@pytest.mark.parametrize("dtype", ["?", "u1", "i4", "i8", "f2", "f8"])
def test_rows_are_rounded_to_float32(dtype):
    estimator = grown()
    rows = (table(MANY, 7) * 1.0001).astype(dtype)
    forest = forest_of_estimator(estimator)
    np.testing.assert_array_equal(forest_labels(forest, rows), estimator.predict(rows))


def test_rows_that_lie_in_columns():
    forest, rows = forest_of_estimator(grown()), table(MANY, 7)
    np.testing.assert_array_equal(
        forest_labels(forest, np.asfortranarray(rows)), forest_labels(forest, rows)
    )


def test_numbers_at_thresholds_and_beside_them():
    estimator = grown()
    forest = forest_of_estimator(estimator)
    asked = forest.left >= 0
    rows = np.zeros((3 * asked.sum(), 7), np.float32)
    place = np.arange(asked.sum())
    for shift, toward in ((0, None), (1, -np.inf), (2, np.inf)):
        at = forest.threshold[asked]
        moved = at if toward is None else np.nextafter(at, np.float32(toward))
        rows[3 * place + shift, forest.feature[asked]] = moved
    all_equal(estimator, rows)


def test_ties_go_to_the_first_class():
    sides = np.array([1, -1, -1])
    first = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])

    def stump(value):
        return Tree(sides, sides * 2, sides * 0, sides * 0.5, value, sides < 0)

    forest = forest_of_trees([stump(first), stump(first[:, ::-1])] * 3, np.array([4, 2]), 1)
    rows = np.linspace(0, 1, 1000)[:, np.newaxis]
    for tables in formats(forest):
        assert np.all(settled_labels(rows.astype("f4"), tables) == -1)
    assert np.all(forest_labels(forest, rows) == 4)
    assert np.all(forest_probabilities(forest, rows) == 0.5)


def test_thirds_are_summed_in_order():
    """Shares that no double holds: the order of the sum decides between equal classes."""
    value = np.array([[1 / 3, 1 / 3, 1 / 3], [0.1, 0.2, 0.7], [0.7, 0.1, 0.2], [0.2, 0.7, 0.1]])
    leaf = np.array([-1])
    trees = [Tree(leaf, leaf, leaf, leaf * 1.0, one[np.newaxis], leaf < 0) for one in value]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2, 1, 2, 3]):
        forest = forest_of_trees([trees[i] for i in order], np.arange(3), 1)
        expected = np.zeros(3)
        for i in order:
            expected += value[i]
        expected /= len(order)
        rows = np.zeros((600, 1))
        np.testing.assert_array_equal(forest_probabilities(forest, rows)[7], expected)
        assert np.all(forest_labels(forest, rows) == expected.argmax())


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_missing_numbers_go_where_scikit_learn_sends_them(kind):
    rows = table(600, 7, 1)
    target = classes_of(rows, 2)
    rows[np.random.default_rng(0).random(rows.shape) < 0.1] = np.nan
    estimator = kind(20, random_state=0)
    try:
        estimator.fit(rows, target)
    except ValueError:
        pytest.skip("this scikit-learn does not grow such trees where numbers are missing")
    given = table(MANY, 7)
    given[np.random.default_rng(2).random(given.shape) < 0.2] = np.nan
    forest = forest_of_estimator(estimator)
    np.testing.assert_array_equal(forest_labels(forest, given), estimator.predict(given))
    np.testing.assert_array_equal(
        forest_probabilities(forest, given), estimator.predict_proba(given)
    )


def test_few_missing_numbers_leave_the_other_rows_to_tables(monkeypatch):
    estimator, rows, walked = grown(), table(MANY, 7), []

    def walk(forest, rows):
        walked.append(len(rows))
        return plain_labels(forest, rows)

    monkeypatch.setattr(kernel, "plain_labels", walk)
    rows[::100, 3] = np.nan
    given = np.nan_to_num(rows, nan=-1.0)
    forest = forest_of_estimator(estimator)
    forest = type(forest)(**{**vars(forest), "takes_missing": True})
    labels, shares = forest_labels(forest, rows), forest_probabilities(forest, rows)
    assert 0 < walked[0] < MANY // 10
    whole = ~np.isnan(rows).any(axis=1)
    np.testing.assert_array_equal(labels[whole], estimator.predict(given)[whole])
    np.testing.assert_array_equal(shares[whole], estimator.predict_proba(given)[whole])
    np.testing.assert_array_equal(shares, plain_probabilities(forest, rows))


def test_more_thresholds_than_codes_are_walked_by_steps():
    count, sides = 65535, np.array([1, -1, -1])
    value = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    stumps = [Tree(sides, sides * 2, sides * 0, sides * n, value, sides < 0) for n in range(count)]
    for trees, kind in ((stumps[1:], LaneTables), (stumps, StepTables)):
        forest = forest_of_trees(trees, np.arange(2), 1)
        tables = forest_tables(forest, lanes=True)
        assert isinstance(tables.walk, kind)


def test_what_tables_do_not_hold_is_walked_plainly():
    many = grown(features=1025, trees=3)
    assert forest_tables(forest_of_estimator(many)) is None
    rows = table(500, 1025)
    np.testing.assert_array_equal(
        forest_labels(forest_of_estimator(many), rows), many.predict(rows)
    )


def test_zeros_of_both_signs_are_one_number():
    sides = np.array([1, -1, -1])
    value = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    for threshold in (0.0, -0.0):
        stump = Tree(sides, sides * 2, sides * 0, sides * 0 + threshold, value, sides < 0)
        forest = forest_of_trees([stump], np.arange(2), 1)
        rows = np.tile(np.array([[0.0], [-0.0], [1e-45], [-1e-45]], "f4"), (30, 1))
        for tables in formats(forest):
            np.testing.assert_array_equal(settled_labels(rows, tables)[:4], [0, 0, 1, 0])


@pytest.mark.parametrize("features", [7, 13, 32])
def test_all_formats_reach_the_leaves_of_the_plain_walk(features):
    rows, count = table(200, features), 200
    forest = forest_of_estimator(grown(3, features, min_samples_leaf=2))
    for tables in formats(forest):
        is_lanes = isinstance(tables.walk, LaneTables)
        encode = encode_by_lanes if is_lanes else encode_by_steps
        walk = walk_by_lanes if is_lanes else walk_by_steps
        room, leaves, taken = tables.walk.room(), np.zeros(256, np.int32), np.zeros(256, np.int64)
        encode(tables.walk, rows, 0, count, room, taken)
        assert sorted(taken[:count]) == list(range(count))
        for tree, root in enumerate(forest.roots):
            begin, stop = tables.starts[tree : tree + 2]
            walk(tables.walk, tree, begin, stop, room, count, leaves)
            for place in range(0, count, 17):
                leaf = kernel._leaf(rows, taken[place], forest.nodes, root)
                assert tables.nodes[begin:stop][leaves[place]] == leaf


def test_a_row_does_not_depend_on_the_others():
    forest, rows = forest_of_estimator(grown(3)), table(MANY, 7)
    labels, shares = forest_labels(forest, rows), forest_probabilities(forest, rows)
    for part in (slice(1, None), slice(37, 900), slice(None, None, 3)):
        np.testing.assert_array_equal(forest_labels(forest, rows[part]), labels[part])
        np.testing.assert_array_equal(forest_probabilities(forest, rows[part]), shares[part])


def test_tables_are_packed_once_and_where_they_pay(monkeypatch):
    packed = []

    def pack(forest):
        packed.append(forest)
        return forest_tables(forest)

    monkeypatch.setattr(kernel, "forest_tables", pack)
    forest, rows = forest_of_estimator(grown()), table(MANY, 7)
    pickled = pickle.dumps(forest)
    enough = 2 * forest.left.size // forest.roots.size + 1
    few = forest_labels(forest, rows[: enough - 1])
    assert packed == []
    for count in (enough, MANY, 70):
        labels = forest_labels(forest, rows[:count])
        np.testing.assert_array_equal(labels[: few.size], few[:count])
        forest_probabilities(forest, rows[:count])
    assert packed == [forest]
    assert pickle.dumps(forest) == pickled
    large = forest_of_estimator(grown(features=1025, trees=3))
    for _ in range(2):
        forest_labels(large, table(1000, 1025))
    assert packed == [forest, large]


def test_large_trees_are_packed_for_a_block_of_rows():
    forest = forest_of_estimator(deep(3, 25000, trees=1)[0])
    forest_labels(forest, table(8191, 3))
    assert forest not in kernel._packed
    forest_labels(forest, table(8192, 3))
    assert isinstance(kernel._packed[forest].walk, StepTables)


def test_tables_go_with_their_forest():
    forest = forest_of_estimator(grown())
    forest_labels(forest, table(MANY, 7))
    assert forest in kernel._packed
    before = len(kernel._packed)
    del forest
    gc.collect()
    assert len(kernel._packed) < before


@pytest.mark.parametrize("off", [-1e-7, 1e-7])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_shares_that_do_not_quite_sum_to_one_settle_as_they_are(off, classes):
    """Most of what is accepted, near ties that this decides."""
    drawn = np.random.default_rng(classes)
    leaf, outcomes = np.array([-1]), set()
    for _ in range(200):
        trees = []
        for _ in range(drawn.integers(1, 9)):
            value = np.full(classes, 1 / classes) + drawn.integers(-9, 10, classes) * 1e-7
            value[drawn.integers(classes)] += 1 - value.sum() + off * 0.99
            trees.append(Tree(leaf, leaf, leaf, leaf * 1.0, value[np.newaxis], leaf < 0))
        forest = forest_of_trees(trees, np.arange(classes), 1)
        rows = np.zeros((1, 1), np.float32)
        for tables in formats(forest):
            settled = settled_labels(rows, tables)
            assert settled[0] in (-1, plain_labels(forest, rows)[0])
            outcomes.add(settled[0] < 0)
    assert outcomes == {False, True}


def test_a_forest_is_plain_data():
    forest = forest_of_estimator(grown())
    back = pickle.loads(pickle.dumps(forest))
    np.testing.assert_array_equal(
        forest_labels(back, table(99, 7)), forest_labels(forest, table(99, 7))
    )


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (np.zeros(7), "features"),
        (np.zeros((3, 6)), "features"),
        (np.full((3, 7), np.inf), "infinity"),
        (np.full((3, 7), 1e39), "too large"),
        (np.zeros((3, 7), complex), "real"),
        (np.full((3, 7), "a"), "real"),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows, says):
    forest = forest_of_estimator(grown())
    for function in (forest_labels, forest_probabilities):
        with pytest.raises(ValueError, match=says):
            function(forest, rows)


def test_nan_is_refused_where_trees_do_not_take_it():
    forest = forest_of_estimator(grown())
    plain = type(forest)(**{**vars(forest), "takes_missing": False})
    with pytest.raises(ValueError, match="NaN"):
        forest_labels(plain, np.full((3, 7), np.nan))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"right": np.zeros(2, np.int32)}, "right"),
        ({"value": np.zeros((3, 5))}, "value"),
        ({"value": np.zeros((3, 2))}, "shares"),
        ({"value": np.array([[0.5, 0.5], [1.0, 5e-7], [0.0, 1.0]])}, "shares"),
        ({"left": np.array([3, -1, -1], np.int32)}, "left"),
        ({"left": np.array([0, -1, -1], np.int32)}, "left"),
        ({"left": np.array([2, -1, -1], np.int32)}, "once"),
        ({"feature": np.array([1, 0, 0], np.int32)}, "feature"),
        ({"threshold": np.full(3, np.nan, np.float32)}, "threshold"),
        ({"roots": np.array([5])}, "roots"),
    ],
)
def test_arrays_that_are_no_forest_are_refused(changes, says):
    sides = np.array([1, -1, -1])
    value = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    stump = Tree(sides, np.array([2, -1, -1]), sides * 0, sides * 0.5, value, sides < 0)
    forest = forest_of_trees([stump], np.array([0, 1]), 1)
    with pytest.raises(ValueError, match=says):
        type(forest)(**{**vars(forest), **changes})


def test_what_is_no_forest_is_refused():
    with pytest.raises(ValueError, match="at least one tree"):
        forest_of_trees([], np.array([0]), 1)
    with pytest.raises(ValueError, match="fit"):
        forest_of_estimator(RandomForestClassifier())
    rows = table(50, 3)
    both = RandomForestClassifier(2).fit(rows, np.stack([classes_of(rows, 2)] * 2, 1))
    with pytest.raises(ValueError, match="outputs"):
        forest_of_estimator(both)
