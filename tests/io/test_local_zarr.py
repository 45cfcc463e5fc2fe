from __future__ import annotations

import asyncio
import pickle
import shutil
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numcodecs
import numpy as np
import pytest
import zarr
from dask.base import tokenize
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, GzipCodec, TransposeCodec, ZstdCodec
from zarr.storage import LocalStore

from pspy_dask.io import local_zarr
from pspy_dask.io.local_zarr import LocalArray, local

V2 = {"zarr_format": 2, "dtype": "u2"}
BY_ZARRS = {
    "sharded": {"shards": (128, 200), "dtype": "u2"},
    "float": {"dtype": "f4"},
    "half": {"dtype": "f2"},
    "bool": {"dtype": "bool"},
    "transposed": {"filters": [TransposeCodec(order=(1, 0))], "dtype": "i4"},
    "blosc of v2": {"compressors": numcodecs.Blosc(), **V2},
    "zlib of v2": {"compressors": numcodecs.Zlib(), **V2},
}
LEFT_TO_ZARR = {
    "columns first": {"order": "F", **V2},
    "foreign byte order": {"zarr_format": 2, "dtype": ">u2"},
    "lzma": {"compressors": numcodecs.LZMA(), **V2},
    "delta": {"filters": numcodecs.Delta(dtype="u2"), **V2},
}
WINDOWS = (np.s_[3:297, 9:477], np.s_[:1, :], np.s_[64:128, 100:200], np.s_[7, 20:30])


def created(path, *, name="sharded", **more):
    options = (BY_ZARRS | LEFT_TO_ZARR)[name] | more
    return zarr.create_array(path, shape=(300, 500), chunks=(64, 100), **options)


def noise(array, rows=300, columns=500):
    numbers = np.random.default_rng(0).integers(0, 2**15, (rows, columns))
    return numbers.astype(np.dtype(array.dtype).newbyteorder("="))


SPLIT = (
    {"zarr_format": 2},
    {"zarr_format": 3},
    {"zarr_format": 3, "shards": (2, 2, 16, 16)},
)


@pytest.mark.parametrize("how", SPLIT, ids=str)
@pytest.mark.parametrize("at", [1, -1])
def test_an_axis_at_one_place_in_windows_of_several_chunks(how, at, tmp_path):
    options = {"shape": (2, 3, 40, 50), "chunks": (1, 1, 8, 8), "dtype": "u2", **how}
    array = zarr.create_array(tmp_path / "a.zarr", **options)
    pixels = np.random.default_rng(0).integers(0, 2**15, array.shape).astype("u2")
    array[...] = pixels
    for window in (np.s_[at, at, 3:37, 5:50], np.s_[0:2, at, 7:9, at], np.s_[at, 0, 0, at]):
        found = local(array)[window]
        assert isinstance(found, np.ndarray) and found.shape == pixels[window].shape
        np.testing.assert_array_equal(found, pixels[window])


@given(data=st.data())
@settings(max_examples=60)
def test_any_box_is_as_zarr_reads_it(data, tmp_path_factory):
    sides = data.draw(st.lists(st.tuples(*[st.integers(1, 9)] * 2), min_size=1, max_size=5))
    shape, chunks = zip(*sides, strict=True)
    how = data.draw(st.sampled_from(["v2", "v3", "sharded"]))
    shards = tuple(2 * n for n in chunks) if how == "sharded" else None
    version = 2 if how == "v2" else 3
    options = {"shape": shape, "chunks": chunks, "shards": shards, "zarr_format": version}
    array = zarr.create_array(tmp_path_factory.mktemp("a") / "a.zarr", dtype="i4", **options)
    array[...] = np.arange(np.prod(shape)).reshape(shape)
    box = []
    for side in shape:
        start, stop = sorted(data.draw(st.tuples(*[st.integers(0, side)] * 2)))
        at = st.integers(-side, side - 1)
        box.append(data.draw(at | st.just(slice(start, stop)) | st.just(slice(start, None))))
    np.testing.assert_array_equal(local(array)[tuple(box)], array[tuple(box)])


def test_places_beyond_the_end_are_refused(tmp_path):
    array = local(created(tmp_path / "a.zarr"))
    for box in (np.s_[300, :], np.s_[:, -501]):
        with pytest.raises(IndexError):
            array[box]


def files_of(path):
    """The files of the chunks."""
    return [one for one in path.rglob("*[0-9]") if one.is_file()]


def codec(array):
    return type(array._read.async_array.codec_pipeline).__name__


@pytest.mark.parametrize("name", [*BY_ZARRS, *LEFT_TO_ZARR])
def test_same_pixels_here_and_in_another_process(name, tmp_path):
    array = created(tmp_path / "a.zarr", name=name)
    array[:290] = noise(array, rows=290)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast = local(array)
        sent = pickle.loads(pickle.dumps(fast))
    assert (fast.shape, fast.dtype) == (array.shape, array.dtype)
    for one in (fast, sent):
        assert (codec(one) == "ZarrsCodecPipeline") == (name in BY_ZARRS)
        for window in WINDOWS:
            assert one[window].dtype == array.dtype
            np.testing.assert_array_equal(one[window], array[window])


@pytest.mark.parametrize("name", [*BY_ZARRS, *LEFT_TO_ZARR])
def test_what_it_writes_is_read_by_zarr(name, tmp_path):
    array = created(tmp_path / "a.zarr", name=name)
    pixels = noise(array)
    for y in range(0, 300, 128):
        for x in range(0, 500, 200):
            box = np.s_[y : min(y + 128, 300), x : min(x + 200, 500)]
            local(array)[box] = pixels[box]
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a.zarr")[:], pixels)


def test_other_threads_keep_their_settings_of_zarr(tmp_path):
    array, other = created(tmp_path / "a.zarr"), created(tmp_path / "b.zarr", name="lzma")
    with zarr.config.set({"threading.max_workers": 3}), ThreadPoolExecutor(4) as pool:
        sent = pool.map(lambda _: pickle.loads(pickle.dumps(LocalArray(array))), range(200))
        for _ in range(50):
            assert zarr.config.get("threading.max_workers") == 3
            codecs = zarr.open_array(other.store_path).async_array.codec_pipeline
            assert type(codecs).__name__ == "BatchedCodecPipeline"
        assert all(codec(one) == "ZarrsCodecPipeline" for one in sent)


def own_share(work):
    """The part of the seconds of all threads of this process that this one was at work."""
    mine, all_of_us = time.thread_time(), time.process_time()
    work()
    return (time.thread_time() - mine) / (time.process_time() - all_of_us)


def test_the_thread_that_asks_does_the_work(tmp_path):
    options = {"shape": (2048, 2048), "chunks": (256, 256), "shards": (1024, 1024), "dtype": "u2"}
    array = zarr.create_array(tmp_path / "a.zarr", **options)
    pixels = noise(array, 2048, 2048)

    def work(array):
        array[:, :] = pixels
        for _ in range(3):
            np.testing.assert_array_equal(array[:2000, :2000], pixels[:2000, :2000])

    work(local(array))
    assert own_share(lambda: work(local(array))) > 0.9
    assert own_share(lambda: work(array)) < 0.9  # zarr-python has threads for that


def test_inside_an_event_loop(tmp_path):
    array = local(created(tmp_path / "a.zarr"))

    async def notebook():
        array[:, :] = noise(array)
        return array[5:250, 3:480]

    np.testing.assert_array_equal(asyncio.run(notebook()), noise(array)[5:250, 3:480])


def test_chunks_that_were_never_written_are_the_fill_value(tmp_path):
    array = created(tmp_path / "a.zarr", fill_value=7)
    assert (local(array)[50:150, 50:150] == 7).all()


class Elsewhere(LocalStore):
    """A local store with ways of its own."""


def test_arrays_in_other_stores_are_left_to_zarr(tmp_path):
    for store in ({}, Elsewhere(tmp_path)):
        array = zarr.create_array(store, shape=(8, 8), dtype="u2")
        assert local(array) is array


def test_arrays_opened_to_be_read_are_not_written(tmp_path):
    created(tmp_path / "a.zarr")
    array = local(zarr.open_array(tmp_path / "a.zarr", mode="r"))
    with pytest.raises(ValueError, match="read-only"):
        array[:, :] = noise(array)


@pytest.mark.parametrize("name", ["sharded", "float", "blosc of v2"])
def test_half_a_chunk_is_told(name, tmp_path):
    array = local(created(tmp_path / "a.zarr", name=name))
    pixels = noise(array)
    array[:, :] = pixels
    edge = np.s_[256:, 400:]
    files = files_of(tmp_path / "a.zarr")
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"a.zarr.* has a damaged chunk \(.*\): restore the file"):
        array[edge]
    for path in files:
        path.unlink()
    array[edge] = pixels[edge]
    np.testing.assert_array_equal(array[edge], pixels[edge])


PACKED_TWICE = {
    "gzip, blosc": [GzipCodec(), BloscCodec()],
    "zstd, blosc": [ZstdCodec(), BloscCodec()],
}


@pytest.mark.parametrize("name", PACKED_TWICE)
@pytest.mark.parametrize("shards", [None, (128, 200)])
def test_chunks_packed_twice(name, shards, tmp_path):
    options = {"dtype": "u2", "shards": shards, "compressors": PACKED_TWICE[name]}
    array = zarr.create_array(tmp_path / "a.zarr", shape=(300, 500), chunks=(64, 100), **options)
    array[:, :] = noise(array)
    for window in WINDOWS:
        np.testing.assert_array_equal(local(array)[window], array[window])


@pytest.mark.parametrize("name", [*BY_ZARRS, *LEFT_TO_ZARR])
@pytest.mark.parametrize("left", [0, 20])
def test_chunks_cut_short_are_no_pixels(name, left, tmp_path):
    array = local(created(tmp_path / "a.zarr", name=name))
    array[:, :] = noise(array)
    for path in files_of(tmp_path / "a.zarr"):
        path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match=r"a.zarr.* has a damaged chunk \(.+\): restore"):
        array[5:250, 3:480]


def test_a_blosc_chunk_without_its_last_byte_is_no_pixels(tmp_path):
    """Control: to zarr-python it is, though not those that were stored."""
    array = created(tmp_path / "a.zarr", name="blosc of v2")
    array[:, :] = noise(array)
    for path in files_of(tmp_path / "a.zarr"):
        path.write_bytes(path.read_bytes()[:-1])
    assert array[5:250, 3:480].shape == (245, 477)
    with pytest.raises(ValueError, match=r"has a damaged chunk \(.+\): restore"):
        local(array)[5:250, 3:480]


@pytest.mark.parametrize("error", [RecursionError, NotImplementedError, MemoryError])
def test_no_chunk_is_blamed_for_what_python_says(error, tmp_path, monkeypatch):
    def fails(work):
        work.close()
        raise error("no more")

    monkeypatch.setattr(local_zarr, "in_this_thread", fails)
    with pytest.raises(error, match="no more"):
        local(created(tmp_path / "a.zarr"))[:5, :5]


def test_a_file_that_is_refused_is_named(tmp_path):
    array = local(created(tmp_path / "a.zarr", name="float"))
    array[:, :] = noise(array)
    shutil.rmtree(tmp_path / "a.zarr" / "c" / "0")
    (tmp_path / "a.zarr" / "c" / "0").touch()
    with pytest.raises(OSError, match=r"directory.*a\.zarr"):
        array[:5, :5]


def test_the_same_array_has_the_same_token(tmp_path):
    array = created(tmp_path / "a.zarr")
    again, other = zarr.open_array(tmp_path / "a.zarr"), created(tmp_path / "b.zarr")
    assert tokenize(local(array)) == tokenize(local(again)) != tokenize(local(other))
