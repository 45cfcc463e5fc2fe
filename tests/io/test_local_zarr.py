from __future__ import annotations

import asyncio
import errno
import pickle
import resource
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import TransposeCodec

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


def codec(array):
    return type(array._fast.async_array.codec_pipeline).__name__


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


def test_settings_of_zarr_stay_as_they_were(tmp_path):
    array = created(tmp_path / "a.zarr")
    before = zarr.config.get("codec_pipeline.path"), zarr.config.get("threading.max_workers")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pickle.loads(pickle.dumps(LocalArray(array))), range(64)))
    after = zarr.config.get("codec_pipeline.path"), zarr.config.get("threading.max_workers")
    assert before == after


def test_no_other_thread_takes_part(tmp_path, monkeypatch):
    array = local(created(tmp_path / "a.zarr"))
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread was started"))
    array[:, :] = noise(array)
    np.testing.assert_array_equal(array[5:250, 3:480], noise(array)[5:250, 3:480])


def test_inside_an_event_loop(tmp_path):
    array = local(created(tmp_path / "a.zarr"))

    async def notebook():
        array[:, :] = noise(array)
        return array[5:250, 3:480]

    np.testing.assert_array_equal(asyncio.run(notebook()), noise(array)[5:250, 3:480])


def test_chunks_that_were_never_written_are_the_fill_value(tmp_path):
    array = created(tmp_path / "a.zarr", fill_value=7)
    assert (local(array)[50:150, 50:150] == 7).all()


def test_arrays_in_memory_are_left_to_zarr():
    array = zarr.create_array({}, shape=(8, 8), dtype="u2")
    assert local(array) is array


@pytest.mark.parametrize("name", ["sharded", "lzma"])
def test_what_the_system_refuses_is_an_error_of_the_system(name, tmp_path):
    array = local(created(tmp_path / "a.zarr", name=name))
    pixels = noise(array)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    heeded = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            array[:128, :200] = pixels[:128, :200]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, heeded)
    assert caught.value.errno == errno.EFBIG
