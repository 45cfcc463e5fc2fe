import errno
import logging
import os
from itertools import pairwise, product

import dask
import dask.array as da
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr_models import open_ome_zarr
from ome_zarr_models.v04.image_label import ImageLabel as ImageLabel04
from ome_zarr_models.v05.image_label import ImageLabel as ImageLabel05
from zarr.storage import MemoryStore

from pspy_dask.blocks.images import make_image
from pspy_dask.io.layout import choose_layout, fit
from pspy_dask.io.local_zarr import LocalArray
from pspy_dask.io.ome_zarr import write_image, write_labels
from pspy_dask.io.outputs import partial_name
from pspy_dask.io.pyramid import build_level, downsample, store

VERSIONS = ("0.4", "0.5")
MODES = ("nearest", "mode", "mean")


def image_of(array, *, chunks, step=0.5, units="nm", origin=3.0):
    dims = tuple("tzyx"[-array.ndim :])
    return make_image(
        da.from_array(array, chunks=chunks),
        dims,
        steps=dict.fromkeys("zyx", step) | {"t": 2.0},
        units=dict.fromkeys("zyx", units) | {"t": "s"},
        origin={"y": origin},
    )


def some_labels(shape=(60, 50), dtype=np.int32, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 9, [-(-n // 5) for n in shape])
    for axis in range(len(shape)):
        coarse = coarse.repeat(5, axis)
    return coarse[tuple(map(slice, shape))].astype(dtype)


def an_image(path, version, *, levels=2):
    """An image in whose folder labels are put."""
    side = {1: 40, 2: 1030}[levels]
    write_image(image_of(np.zeros((side, 40), np.uint8), chunks=600), path, version=version).run()
    return path


@st.composite
def chunked(draw, max_side=40, ndims=(2, 3)):
    ndim = draw(st.sampled_from(ndims))
    chunks = []
    for _ in range(ndim):
        if draw(st.booleans()):
            chunks.append(
                tuple(draw(st.lists(st.integers(1, max_side // 3), min_size=1, max_size=4)))
            )
        else:
            length, side = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
            chunks.append(tuple(min(side, length - a) for a in range(0, length, side)))
    return tuple(chunks)


def reference(pixels, method):
    """The definition, block by block."""
    shape = (*pixels.shape[:-2], -(-pixels.shape[-2] // 2), -(-pixels.shape[-1] // 2))
    result = np.empty(shape, pixels.dtype)
    for index in np.ndindex(*shape):
        *page, i, j = index
        block = pixels[(*page, slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2))].ravel()
        if method == "nearest":
            result[index] = block[0]
        elif method == "mean":
            total = sum(map(int, block))
            result[index] = (2 * total + len(block)) // (2 * len(block))
        else:
            values, counts = np.unique(block, return_counts=True)
            best = values[counts == counts.max()]
            result[index] = best[0] if len(best) == 1 else best[best != 0][0]
    return result


@given(data=st.data(), method=st.sampled_from(MODES))
@settings(max_examples=80)
def test_downsample_is_its_definition(data, method):
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    dtype = data.draw(st.sampled_from([np.uint8, np.int16, np.uint64]))
    high = data.draw(st.sampled_from([3, np.iinfo(dtype).max]))
    values = data.draw(st.lists(st.integers(0, int(high)), min_size=49, max_size=49))
    pixels = np.array(values, dtype)[: shape[0] * shape[1]].reshape(shape)
    np.testing.assert_array_equal(downsample(pixels, method), reference(pixels, method))


def test_mean_of_floats_and_of_a_mask():
    assert downsample(np.float32([[1, 2], [3, 5]]), "mean") == np.float32(2.75)
    assert downsample(np.array([[True, True], [False, False]]), "mean").item() is True


@given(chunks=chunked(), method=st.sampled_from(MODES), version=st.sampled_from([2, 3]))
@settings(max_examples=40)
def test_stored_levels_do_not_depend_on_chunks(chunks, method, version):
    shape = tuple(map(sum, chunks))
    pixels = some_labels(shape, seed=sum(shape))
    layout = choose_layout("tzyx"[-len(shape) :], chunks)
    expected, arrays = pixels, []
    with dask.config.set(scheduler="threads"):
        for k in range(3):
            if k:
                expected = downsample(expected, method)
                layout = fit(layout, expected.shape)
            sharded = {"shards": layout.unit} if version == 3 else {}
            arrays.append(
                zarr.create_array(
                    MemoryStore(),
                    shape=expected.shape,
                    chunks=layout.chunk,
                    dtype=np.int32,
                    zarr_format=version,
                    fill_value=0,
                    **sharded,
                )
            )
            if k:
                step = build_level(arrays[-2], arrays[-1], layout, method)
            else:
                step = store(da.from_array(pixels, chunks=chunks), arrays[0], layout)
            assert step.compute().sum() == expected.size
            np.testing.assert_array_equal(arrays[-1][...], expected)


@given(chunks=chunked(max_side=6000), halvings=st.integers(0, 4))
@settings(max_examples=200)
def test_no_two_tasks_write_one_stored_chunk(chunks, halvings):
    layout = choose_layout("tzyx"[-len(chunks) :], chunks)
    shape = tuple(map(sum, chunks))
    for _ in range(halvings):
        shape = (*shape[:-2], -(-shape[-2] // 2), -(-shape[-1] // 2))
        layout = fit(layout, shape)
    assert tuple(map(sum, layout.blocks)) == shape
    for blocks, unit, chunk in zip(layout.blocks, layout.unit, layout.chunk, strict=True):
        assert unit % chunk == 0
        edges = np.cumsum(blocks)[:-1]
        assert not (edges % unit).any()


def test_wrong_layout_would_share_chunks():
    """The law above can fail: the dask chunks themselves do not fit the chunk that is stored."""
    chunks = ((700, 905, 50), (100,))
    layout = choose_layout("yx", chunks)
    assert layout.blocks != chunks
    assert (np.cumsum(chunks[0])[:-1] % layout.chunk[0]).any()


def test_regular_dask_chunks_become_shards():
    layout = choose_layout("zyx", ((161, 161, 40), (2048, 2048, 7), (1000, 1000)))
    assert layout.blocks == ((161, 161, 40), (2048, 2048, 7), (1000, 1000))
    assert layout.unit == (161, 2048, 1000)
    assert layout.chunk == (23, 512, 500)


def test_one_task_a_chunk():
    target = zarr.create_array(MemoryStore(), shape=(60, 60), chunks=(20, 20), dtype="i4")
    array = da.zeros((60, 60), chunks=20, dtype="i4")
    layout = choose_layout("yx", array.chunks)
    step = store(array, target, layout)
    assert len(dict(step.__dask_graph__())) == 2 * 9 + 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("method", ["nearest", "mode"])
def test_labels_are_valid_and_equal(tmp_path, version, method, caplog):
    path = an_image(tmp_path / "im.zarr", version)
    pixels = some_labels((1030, 40))
    properties = {1: {"area": 3.5}, 2: {"area": 4.0}}
    write = write_labels(
        image_of(pixels, chunks=(256, 40)), path, method=method, properties=properties
    )
    write.run()

    image = open_ome_zarr(path, version=version)
    assert image.ome_zarr_version == version
    model = open_ome_zarr(path / "labels" / "particles", version=version)
    assert isinstance(model, ImageLabel04 if version == "0.4" else ImageLabel05)
    label = model.ome_attributes.image_label
    assert label.source.image == "../../"
    assert label.version == version
    assert [p.label_value for p in label.properties] == [1, 2]
    first, second = model.ome_attributes.multiscales[0].datasets
    assert [a.unit for a in model.ome_attributes.multiscales[0].axes] == ["nanometer"] * 2
    assert transforms(first) == [[0.5, 0.5], [3.0, 0.0]]
    shift = 0.0 if method == "nearest" else 0.25
    assert transforms(second) == [[1.0, 1.0], [3.0 + shift, shift]]

    group = zarr.open_group(path / "labels" / "particles", mode="r")
    np.testing.assert_array_equal(group["0"][...], pixels)
    np.testing.assert_array_equal(group["1"][...], downsample(pixels, method))
    with caplog.at_level(logging.WARNING):
        nodes = list(Reader(parse_url(str(path)))())
    # That a file is 0.4 is said at every opening and is no fault of the file.
    said = [r.msg for r in caplog.records if r.name.startswith("ome_zarr")]
    assert not [text for text in said if "version mismatch" not in text]
    found = [node for node in nodes if node.zarr.path.rstrip("/").endswith("particles")]
    np.testing.assert_array_equal(np.asarray(found[0].data[0]), pixels)
    assert not list((path / "labels").glob(".*-partial"))


def transforms(dataset):
    scale, translation = dataset.coordinateTransformations
    return [list(scale.scale), list(translation.translation)]


@pytest.mark.parametrize("version", VERSIONS)
def test_image_round_trip_with_time_and_depth(tmp_path, version):
    pixels = np.random.default_rng(1).integers(0, 2**16, (2, 3, 1100, 20)).astype(np.uint16)
    write = write_image(
        image_of(pixels, chunks=(1, 2, 600, 20), units="µm"), tmp_path / "a.zarr", version=version
    )
    write.run()
    model = open_ome_zarr(tmp_path / "a.zarr", version=version)
    multiscale = model.ome_attributes.multiscales[0]
    assert [(a.name, a.type, a.unit) for a in multiscale.axes] == [
        ("t", "time", "second"),
        *((d, "space", "micrometer") for d in "zyx"),
    ]
    assert transforms(multiscale.datasets[1]) == [[2.0, 0.5, 1.0, 1.0], [0.0, 0.0, 3.25, 0.25]]
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["0"][...], pixels)
    np.testing.assert_array_equal(group["1"][...], downsample(pixels, "mean"))
    assert next(iter(Reader(parse_url(str(tmp_path / "a.zarr")))())).data[1].shape == (
        2,
        3,
        550,
        10,
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_partial_labels_are_absent(tmp_path, version):
    path = an_image(tmp_path / "im.zarr", version, levels=1)
    write = write_labels(image_of(some_labels((40, 40)), chunks=20), path)
    write.step(0).compute()
    assert listed(path) == []  # the driver dies here
    assert not (path / "labels" / "particles").exists()
    open_ome_zarr(path, version=version)
    write_labels(image_of(some_labels((40, 40)), chunks=20), path).run()
    assert listed(path) == ["particles"]
    assert ".particles-partial" not in names_in(path / "labels")
    open_ome_zarr(path, version=version)


def names_in(folder):
    return sorted(p.name for p in folder.iterdir())


def listed(path):
    attributes = zarr.open_group(path / "labels", mode="r").attrs.asdict()
    return attributes.get("ome", attributes)["labels"]


def test_a_failed_task_leaves_nothing_new(tmp_path):
    path = an_image(tmp_path / "im.zarr", "0.5", levels=1)

    def fail(block, block_info=None):
        raise RuntimeError("worker lost")

    old = some_labels((40, 40))
    write_labels(image_of(old, chunks=20), path).run()
    new = image_of(old, chunks=20)
    new = new.copy(data=new.data.map_blocks(fail, dtype=old.dtype, meta=np.empty((0, 0), "i4")))
    with pytest.raises(RuntimeError, match="worker lost"):
        write_labels(new, path, overwrite=True).run()
    np.testing.assert_array_equal(zarr.open_array(path / "labels/particles/0", mode="r")[...], old)
    assert names_in(path / "labels") == ["particles", "zarr.json"]


def test_overwrite_and_refusal(tmp_path):
    path = an_image(tmp_path / "im.zarr", "0.5", levels=1)
    old, new = some_labels((40, 40)), some_labels((40, 40), np.int64, seed=1)
    write_labels(image_of(old, chunks=20), path).run()
    with pytest.raises(FileExistsError, match=r"already holds labels 'particles': pass overwrite"):
        write_labels(image_of(new, chunks=20), path)
    write = write_labels(image_of(new, chunks=20), path, overwrite=True)
    np.testing.assert_array_equal(zarr.open_array(path / "labels/particles/0", mode="r")[...], old)
    write.run()
    np.testing.assert_array_equal(zarr.open_array(path / "labels/particles/0", mode="r")[...], new)
    write_labels(image_of(new, chunks=20), path, name="grains").run()
    assert listed(path) == ["particles", "grains"]


def test_labels_may_be_made_from_those_they_replace(tmp_path):
    path = an_image(tmp_path / "im.zarr", "0.5", levels=1)
    old = some_labels((40, 40))
    write_labels(image_of(old, chunks=20), path).run()
    stored = da.from_zarr(str(path / "labels/particles/0"))
    write_labels(make_image(stored + 1, ("y", "x")), path, overwrite=True).run()
    np.testing.assert_array_equal(
        zarr.open_array(path / "labels/particles/0", mode="r")[...], old + 1
    )


def test_image_is_absent_until_finished_and_refuses(tmp_path):
    path = tmp_path / "a.zarr"
    image = image_of(np.zeros((20, 20), np.uint8), chunks=10)
    write = write_image(image, path)
    write.step(0).compute()
    assert not path.exists()
    assert partial_name(path).exists()
    write.finish()
    with pytest.raises(FileExistsError, match="pass --overwrite"):
        write_image(image, path)
    write_image(image, path, version="0.4", overwrite=True).run()
    assert open_ome_zarr(path).ome_zarr_version == "0.4"
    (tmp_path / "thesis").mkdir()
    with pytest.raises(FileExistsError, match="not an OME-Zarr image"):
        write_image(image, tmp_path / "thesis", overwrite=True)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_other_stores_are_written_in_place_and_listed_at_the_end():
    memory = MemoryStore()
    group = zarr.create_group(memory)
    multiscales = [{"datasets": [{"path": "0"}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    write = write_labels(image_of(some_labels((40, 40)), chunks=20), memory)
    write.step(0).compute()
    assert zarr.open_group(memory)["labels"].attrs["ome"]["labels"] == []
    write.finish()
    assert zarr.open_group(memory)["labels"].attrs["ome"]["labels"] == ["particles"]
    np.testing.assert_array_equal(
        zarr.open_array(memory, path="labels/particles/0")[...], some_labels((40, 40))
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_consolidated_metadata_is_renewed(tmp_path, version):
    path = an_image(tmp_path / "im.zarr", version, levels=1)
    with pytest.warns(UserWarning) if version == "0.5" else _nothing():
        zarr.consolidate_metadata(str(path))
        write_labels(image_of(some_labels((40, 40)), chunks=20), path).run()
    group = zarr.open_group(path, mode="r")
    assert group.metadata.consolidated_metadata is not None
    np.testing.assert_array_equal(group["labels/particles/0"][...], some_labels((40, 40)))


class _nothing:  # noqa: N801
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def test_errors_come_before_work(tmp_path, monkeypatch):
    labels = image_of(some_labels((40, 40)), chunks=20)
    with pytest.raises(FileNotFoundError, match="no OME-Zarr image at"):
        write_labels(labels, tmp_path / "none.zarr")
    zarr.create_group(tmp_path / "plain.zarr")
    with pytest.raises(ValueError, match="is not an OME-Zarr image: give"):
        write_labels(labels, tmp_path / "plain.zarr")
    path = an_image(tmp_path / "im.zarr", "0.5", levels=1)
    with pytest.raises(TypeError, match="convert them to int32"):
        write_labels(labels.astype(float), path)
    with pytest.raises(ValueError, match="choose a plain word"):
        write_labels(labels, path, name="a/b")
    with pytest.raises(ValueError, match="choose 'nearest' or 'mode'"):
        write_labels(labels, path, method="mean")
    with pytest.raises(ValueError, match=r"choose 0\.4 or 0\.5"):
        write_image(labels, tmp_path / "b.zarr", version="0.6")
    with pytest.raises(FileNotFoundError, match="create it or choose"):
        write_image(labels, tmp_path / "nowhere" / "b.zarr")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="cannot be written to: ask"):
        write_labels(labels, path)
    assert not (path / "labels").exists()


def test_full_disk_is_said(tmp_path, monkeypatch):
    path = an_image(tmp_path / "im.zarr", "0.5", levels=1)
    labels = image_of(some_labels((40, 40)), chunks=20)
    with monkeypatch.context() as patch:
        usage = type("usage", (), {"free": 1})
        patch.setattr("shutil.disk_usage", lambda _: usage)
        with pytest.raises(OSError, match="free some space") as caught:
            write_labels(labels, path)
        assert caught.value.errno == errno.ENOSPC
    write = write_labels(labels, path)

    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LocalArray, "__setitem__", full)
    with pytest.raises(OSError, match=r"No space left on device while writing .*: free some"):
        write.run()


def test_windows_of_a_level_tile_it():
    """Each task of a level reads its own window only: blocks do not overlap."""
    layout = fit(choose_layout("yx", ((2048, 2048, 5), (2048, 100))), (2051, 1074))
    edges = [[0, *np.cumsum(b)] for b in layout.blocks]
    sizes = [
        (y1 - y0) * (x1 - x0)
        for (y0, y1), (x0, x1) in product(pairwise(edges[0]), pairwise(edges[1]))
    ]
    assert sum(sizes) == 2051 * 1074
    assert layout.unit == (2048, 1536)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interrupted_write_is_resumed(tmp_path, version):
    path = an_image(tmp_path / "im.zarr", version, levels=1)
    pixels = some_labels((40, 40))
    labels = image_of(pixels, chunks=20)
    write_labels(labels, path).step(0).blocks[:1].compute()  # the driver dies here
    made = []
    counted = labels.copy(data=labels.data.map_blocks(lambda b: made.append(1) or b, dtype="i4"))
    made.clear()
    write = write_labels(counted, path, resume=True)
    write.step(0).blocks[1:].compute()
    write.finish()
    assert len(made) == 2
    stored = zarr.open_array(path / "labels/particles/0", mode="r")[...]
    np.testing.assert_array_equal(stored, pixels)
    write_labels(labels, path, overwrite=True).step(0).blocks[:1].compute()
    other = write_labels(image_of(pixels, chunks=10), path, overwrite=True, resume=True)
    assert not other.group["0"][...].any()  # another layout starts afresh
