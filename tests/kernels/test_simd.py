"""Vectors do lane by lane what NumPy does element by element."""

import numpy as np
import pytest
from numba import njit

from pspy_dask.kernels import simd
from pspy_dask.kernels.simd import (
    bits_of,
    choose,
    convert,
    count_of,
    fill,
    gather,
    larger,
    load,
    processor_features,
    root,
    shift_right,
    smaller,
    store,
    vector,
)
from pspy_dask.kernels.unrolled import load_each, pick_below, store_where

D8, F8, F16, I16, H32 = (
    vector("f64", 8),
    vector("f32", 8),
    vector("f32", 16),
    vector("i32", 16),
    vector("i16", 32),
)
load_d, load_f, load_i, load_h = load(D8), load(F16), load(I16), load(H32)
load_f_as_d, load_u16_as_i, load_i16_as_i = load(D8, "f32"), load(I16, "u16"), load(I16, "i16")
load_u8_as_d = load(D8, "u8")
fill_d, fill_f, fill_i, fill_h = fill(D8), fill(F16), fill(I16), fill(H32)
narrow, widen, as_integers = convert(F8), convert(D8), convert(I16)
by_three = shift_right(3)


def random(dtype, n, seed=0):
    drawn = np.random.default_rng(seed).integers(-(2**15), 2**15, n)
    return drawn.astype(dtype)


def test_arithmetic_and_comparisons():
    @njit
    def work(a, b, out, masks):
        x, y = load_d(a, 1), load_d(b, 3)
        store(out, 0, (x + y) * x - y / (x * x + fill_d(1)))
        store(out, 8, choose(x < y, x, y))
        store(out, 16, smaller(x, y))
        store(out, 24, larger(x, y))
        store(out, 32, root(x * x + y))
        masks[0] = bits_of((x >= y) & (y > fill_d(0)))
        masks[1] = bits_of((x <= y) | (x == y))

    a, b = random("f8", 11), random("f8", 11, 1)
    out, masks = np.empty(40), np.zeros(2, np.int64)
    work(a, b, out, masks)
    x, y = a[1:9], b[3:]
    parts = out.reshape(5, 8)
    np.testing.assert_array_equal(parts[0], (x + y) * x - y / (x * x + 1))
    np.testing.assert_array_equal(parts[1], np.where(x < y, x, y))
    np.testing.assert_array_equal(parts[2], np.minimum(x, y))
    np.testing.assert_array_equal(parts[3], np.maximum(x, y))
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(parts[4], np.sqrt(x * x + y))
    weights = 1 << np.arange(8)
    assert masks.tolist() == [weights[(x >= y) & (y > 0)].sum(), weights[x <= y].sum()]


def test_widening_and_narrowing():
    @njit
    def work(floats, shorts, bytes_, doubles, ints, back):
        store(doubles, 0, load_f_as_d(floats, 0) * fill_d(1 / 3))
        store(back, 0, narrow(load_d(doubles, 0)))
        store(doubles, 8, widen(narrow(load_d(doubles, 0))))
        store(doubles, 16, load_u8_as_d(bytes_, 0))
        store(ints, 0, load_u16_as_i(shorts, 0))
        store(ints, 16, load_i16_as_i(shorts, 0))
        store(ints, 32, as_integers(load_f(floats, 0)))

    floats, shorts = random("f4", 16), random("u2", 16)
    bytes_ = random("u1", 8)
    doubles, ints, back = np.zeros(24), np.zeros(48, np.int32), np.zeros(8, np.float32)
    work(floats, shorts, bytes_, doubles, ints, back)
    third = floats[:8].astype("f8") * (1 / 3)
    np.testing.assert_array_equal(doubles[:8], third)
    np.testing.assert_array_equal(back, third.astype("f4"))
    np.testing.assert_array_equal(doubles[8:16], third.astype("f4"))
    np.testing.assert_array_equal(doubles[16:], bytes_)
    np.testing.assert_array_equal(ints[:16], shorts)
    np.testing.assert_array_equal(ints[16:32], shorts.view("i2"))
    np.testing.assert_array_equal(ints[32:], floats.astype("i4"))


def test_integers_shifts_and_gathers():
    @njit
    def work(values, places, table, out):
        v = load_i(values, 0)
        store(out, 0, by_three(v) ^ fill_i(5))
        store(out, 16, gather(table, load_i(places, 0), v > fill_i(0), fill_i(-7)))

    values, places = random("i4", 16), np.arange(16, dtype="i4")
    table, out = random("i4", 16, 2), np.zeros(32, np.int32)
    work(values, places, table, out)
    unsigned = values.view("u4")
    np.testing.assert_array_equal(out[:16], ((unsigned >> 3) ^ 5).view("i4"))
    np.testing.assert_array_equal(out[16:], np.where(values > 0, table, -7))


def test_lanes_of_a_model_s_type():
    @njit
    def add(numbers, other, model, out):
        own = simd.load_like(numbers, 1, model)
        store(out, 0, own + simd.convert_like(load_i(other, 0), model))

    @njit
    def work(ints, doubles, out_i, out_d):
        add(ints, ints, fill_i(0), out_i)
        add(doubles, ints, wide(fill_i(0)), out_d)

    wide = convert(vector("f64", 16))
    ints, doubles = random("i4", 17), random("f8", 17, 1)
    out_i, out_d = np.zeros(16, np.int32), np.zeros(16)
    work(ints, doubles, out_i, out_d)
    np.testing.assert_array_equal(out_i, ints[1:] + ints[:16])
    np.testing.assert_array_equal(out_d, doubles[1:] + ints[:16])


def test_counting_where():
    @njit
    def work(counts, mask):
        simd.increment_where(counts, 1, mask)
        simd.increment_where(counts, 1, mask)
        simd.decrement_where(counts, 2, mask)

    counts = np.full(40, 9, np.uint16)
    work(counts, np.uint32(0b1010))
    expected = np.full(40, 9)
    expected[[2, 4]] += 2
    expected[[3, 5]] -= 1
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.skipif(
    "avx512f" not in simd.processor_features(), reason="only AVX-512 has this instruction"
)
def test_look_up():
    @njit
    def work(table, indices, out):
        store(out, 0, simd.look_up(load_i(table, 0), load_i(indices, 0), load_i(table, 16)))

    table, indices = random("i4", 32), random("i4", 16, 3)
    out = np.zeros(16, np.int32)
    work(table, indices, out)
    np.testing.assert_array_equal(out, table[indices & 31])


@pytest.mark.parametrize("start", [-1, 3])
def test_bounds_are_checked_on_demand(start):
    @njit(boundscheck=True)
    def read(a, start):
        return bits_of(load_d(a, start) > fill_d(0))

    @njit(boundscheck=True)
    def write(a, start):
        store(a, start, fill_d(0))

    for work in (read, write):
        with pytest.raises(IndexError):
            work(np.zeros(10), start)
    read(np.zeros(10), 2)


@pytest.mark.parametrize("wrong", [-1, 20, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("lane", [0, 7, 15])
def test_gathers_are_checked_in_the_lanes_of_the_mask(wrong, lane):
    @njit(boundscheck=True)
    def work(table, places, asked, out):
        mask = load_i(asked, 0) > fill_i(0)
        store(out, 0, gather(table, load_i(places, 0), mask, fill_i(-7)))

    table, places = random("i4", 20), np.arange(4, 20, dtype="i4")
    asked, out = np.ones(16, np.int32), np.zeros(16, np.int32)
    work(table, places, asked, out)
    np.testing.assert_array_equal(out, table[4:])
    places[lane] = wrong
    with pytest.raises(IndexError):
        work(table, places, asked, out)
    asked[lane] = 0
    work(table, places, asked, out)
    assert out[lane] == -7


load_each_i, pick = load_each(I16), pick_below(5)


@njit
def work_on_columns(a, columns, out, counts):
    values = load_each_i(a, 1, columns)
    index = values[0]
    store(out, 0, pick(values, index))
    counts[0] = count_of(index < fill_i(0))


@pytest.mark.parametrize("columns", [(0, 30), (5, 0, 40, 20), (0, 1, 2, 3, 30, 31, 32, 44)])
def test_one_of_several_columns_is_picked(columns):
    a, out, counts = random("i4", 61), np.zeros(16, "i4"), np.zeros(1, np.int64)
    work_on_columns(a, columns, out, counts)
    values = np.array([a[1 + column :][:16] for column in columns])
    number = (values[0] & 31) >> (5 - (len(columns).bit_length() - 1))
    np.testing.assert_array_equal(out, values[number, np.arange(16)])
    assert counts[0] == (values[0] < 0).sum()


@njit
def keep_some(a, out, columns):
    values = load_each_i(a, 0, columns)
    store_where(out, 2, columns, values, values[0] < fill_i(0))


@pytest.mark.skipif("avx512f" not in processor_features(), reason="only AVX-512 can")
def test_lanes_of_a_mask_are_stored_side_by_side():
    a, out = random("i4", 50), np.zeros(50, "i4")
    keep_some(a, out, (0, 25))
    kept = a[:16] < 0
    assert 0 < kept.sum() < 16
    for column in (0, 25):
        np.testing.assert_array_equal(
            out[column + 2 :][: kept.sum()], a[column : column + 16][kept]
        )
