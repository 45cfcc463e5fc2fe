from __future__ import annotations

import pickle
import warnings

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import TransposeCodec

from pspy_dask.io.zarr_decoding import decoded_by_zarrs

V2 = {"zarr_format": 2, "dtype": "u2"}
READ_BY_ZARRS = {
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


def decoder(array):
    return type(array.async_array.codec_pipeline).__name__


@pytest.mark.parametrize("name", [*READ_BY_ZARRS, *LEFT_TO_ZARR])
def test_same_pixels_here_and_in_another_process(name, tmp_path):
    options = (READ_BY_ZARRS | LEFT_TO_ZARR)[name]
    array = zarr.create_array(tmp_path / "a.zarr", shape=(300, 500), chunks=(64, 100), **options)
    array[:290] = np.random.default_rng(0).integers(0, 2**15, (290, 500)).astype(array.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast = decoded_by_zarrs(array)
        sent = pickle.loads(pickle.dumps(fast))
    assert (decoder(fast) == "ZarrsCodecPipeline") == (name in READ_BY_ZARRS)
    for window in (np.s_[3:297, 9:477], np.s_[:1], np.s_[64:128, 100:200]):
        assert fast[window].dtype == array.dtype
        np.testing.assert_array_equal(fast[window], array[window])
        np.testing.assert_array_equal(sent[window], array[window])


def test_chunks_that_were_never_written_are_the_fill_value(tmp_path):
    options = {"shape": (200, 200), "chunks": (64, 64), "dtype": "u2"}
    array = zarr.create_array(tmp_path / "a.zarr", fill_value=7, **options)
    assert (decoded_by_zarrs(array)[50:150, 50:150] == 7).all()


def test_arrays_in_memory_are_left_to_zarr():
    array = zarr.create_array({}, shape=(8, 8), dtype="u2")
    assert decoded_by_zarrs(array) is array
