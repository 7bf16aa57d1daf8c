import dataclasses
import itertools
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import (
    find_network,
    level_file,
    load_network,
    save_network,
    shipped_networks,
)
from mothsim.controllers.networks.tensor_file import DamagedFileError, pack, unpack
from mothsim.segments import generate


def random_network(hidden: tuple[int, ...], share: float, seed: int) -> Network:
    """Random weights of which a share is left, with the scaling of real segments."""
    rng = np.random.default_rng(seed)
    sizes = (10, *hidden, 7)
    weights = tuple(
        (rng.standard_normal(shape) * (rng.random(shape) < share)).astype(np.float32)
        for shape in itertools.pairwise(sizes)
    )
    biases = tuple(rng.standard_normal(size).astype(np.float32) for size in sizes[1:])
    scaling = Scaling(-np.arange(1.0, 11), np.arange(2.0, 12), -np.arange(1.0, 8), np.arange(3.0, 10))
    return Network(weights, biases, scaling, {"seed": seed, "losses": [1.0, 0.5]})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=4), st.sampled_from([0.0, 0.03, 0.2, 1.0]), st.integers(0, 99))
def test_compressed_weights_give_the_same_numbers(hidden: list[int], share: float, seed: int) -> None:
    network = random_network(tuple(hidden), share, seed)
    inputs = np.random.default_rng(seed).standard_normal((300, 10))
    compiled = CompiledNetwork(network)
    outputs = compiled(inputs)
    exact = network(inputs)
    assert np.abs(outputs - exact).max() < 1e-6 * np.abs(exact).max()
    for rows in (1, 3, 5, 6, 16, 22, 33, 63, 70, 134):  # groups of 16 by four, and what is left of them
        assert np.array_equal(outputs[:rows], compiled(inputs[:rows]))


@pytest.mark.parametrize("name", ["dense", "sparse-93", "sparse-98", "small", "compact", "fewest"])
def test_a_shipped_network_gives_the_same_numbers(name: str) -> None:
    network, inputs = find_network(name), generate(20_000, 7).inputs
    span = network.scaling.output_max - network.scaling.output_min
    assert np.abs((CompiledNetwork(network)(inputs) - network(inputs)) / span).max() < 4e-7


def test_inputs_of_another_shape_are_refused() -> None:
    for shape in ((3, 9), (20, 12)):
        with pytest.raises(ValueError, match=r"inputs has shape .*: expected shape \(N, 10\)"):
            CompiledNetwork(find_network("fewest"))(np.ones(shape))


def test_a_network_without_a_connection_is_its_biases() -> None:
    network = random_network((5, 4), 0.0, 0)
    outputs = CompiledNetwork(network)(np.ones((2, 10)))
    assert outputs == pytest.approx(np.tile(network.scaling.unscale_outputs(network.biases[-1]), (2, 1)))
    assert CompiledNetwork(network).multiply_adds == 0


def test_what_is_no_number_stays_none() -> None:
    """A moth that is lost must not fly on; the others do not notice."""
    compiled = CompiledNetwork(random_network((8, 8), 1.0, 0))
    inputs = np.ones((5, 10))
    inputs[2, 4] = np.nan
    outputs = compiled(inputs)
    assert np.isnan(outputs[2]).all()
    assert np.array_equal(outputs[[0, 1, 3, 4]], compiled(np.ones((4, 10))))


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_files_keep_every_bit(tmp_path: Path, share: float) -> None:
    network = random_network((30, 20), share, 1)
    save_network(network, tmp_path / "deep" / "one.safetensors")
    again = load_network(tmp_path / "deep" / "one.safetensors")
    assert all(np.array_equal(a, b) for a, b in zip(network.weights, again.weights, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(network.biases, again.biases, strict=True))
    assert again.info == network.info
    assert again.connections == network.connections
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["one.safetensors"]


def test_damaged_files_are_found_out(tmp_path: Path) -> None:
    file = tmp_path / "one.safetensors"
    save_network(random_network((30, 20), 1.0, 1), file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="cut short"):
        load_network(file)
    file.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    with pytest.raises(ValueError, match="checksum"):
        load_network(file)
    file.write_text("not a network")
    with pytest.raises(ValueError, match=r"not a \.safetensors file"):
        load_network(file)
    with pytest.raises(ValueError, match="no such file"):
        load_network(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="sparse-98"):
        find_network("sparse-99")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a sparse network, of which most is header."""
    file = tmp_path_factory.mktemp("packed") / "one.safetensors"
    save_network(random_network((4, 3), 0.3, 5), file)
    return file.read_bytes()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_flipped_bit_anywhere_is_found_out_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, packed: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, 8 * len(packed) - 1))
    flipped = bytearray(packed)
    flipped[place // 8] ^= 1 << place % 8
    file = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    file.write_bytes(flipped)
    try:
        found = load_network(file)
    except ValueError as error:
        message = str(error)
    else:
        assert_same(found, random_network((4, 3), 0.3, 5))
        return
    assert "flipped.safetensors" in message


def assert_same(found: Network, network: Network) -> None:
    for one, other in zip((*found.weights, *found.biases), (*network.weights, *network.biases), strict=True):
        assert np.array_equal(one, other)
    for field in dataclasses.fields(Scaling):
        assert np.array_equal(getattr(found.scaling, field.name), getattr(network.scaling, field.name))
    assert found.info == network.info


def test_files_of_the_first_version_still_load(tmp_path: Path, packed: bytes) -> None:
    """Whose header stands beside a checksum of the arrays alone; a changed array is found out there too."""
    file = tmp_path / "one.safetensors"
    file.write_bytes(packed)
    tensors, header = unpack(file)
    values = b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))
    metadata = {"mothsim": json.dumps({"crc32": zlib.crc32(values), **header})}
    file.write_bytes(save(tensors, metadata))
    assert_same(load_network(file), random_network((4, 3), 0.3, 5))
    tensors["bias.0"][0] += 1
    file.write_bytes(save(tensors, metadata))
    with pytest.raises(DamagedFileError, match=r"one\.safetensors: damaged"):
        load_network(file)


WRONG: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "input_min = ": lambda tensors, header: tensors["input_min"].__setitem__(3, np.nan),
    "output_max = ": lambda tensors, header: tensors["output_max"].__setitem__(0, np.inf),
    "each minimum below its maximum": lambda tensors, header: tensors.update(input_max=tensors["input_min"]),
    "scaling is of 9 inputs": lambda tensors, header: tensors.update(input_min=np.zeros(9), input_max=np.ones(9)),
    "index.1: expected rising indices from 0 to 11": lambda tensors, header: tensors["index.1"].__setitem__(-1, 12),
    "index.0: expected rising indices": lambda tensors, header: tensors["index.0"].__setitem__(
        1, tensors["index.0"][0]
    ),
    "index.2 is float32": lambda tensors, header: tensors.update({"index.2": tensors["value.2"]}),
    "not finite": lambda tensors, header: tensors["value.0"].__setitem__(0, np.nan),
    "a layer has weights of type": lambda tensors, header: tensors.update({"bias.0": np.zeros(4, np.int32)}),
    "expected sizes \\[10, 4, 3, 7\\]": lambda tensors, header: tensors.update({"bias.1": np.zeros(5, np.float32)}),
    "sizes = \\[10, 4, 0, 7\\]": lambda tensors, header: header.update(sizes=[10, 4, 0, 7]),
    "sizes = None": lambda tensors, header: header.update(sizes=None),
    "info = 3": lambda tensors, header: header.update(info=3),
    "'bias.2' is missing": lambda tensors, header: tensors.pop("bias.2"),
    "holds 'other', expected a network": lambda tensors, header: header.update(format="other"),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_sound_file_that_is_no_network_is_refused_by_name(tmp_path: Path, packed: bytes, message: str) -> None:
    file = tmp_path / "one.safetensors"
    file.write_bytes(packed)
    tensors, header = unpack(file)
    WRONG[message](tensors, header)
    file.write_bytes(pack(tensors, header))
    with pytest.raises(ValueError, match=rf"one\.safetensors: .*{message}"):
        load_network(file)


def test_shipped_networks_have_checksums_over_their_headers() -> None:
    for file in shipped_networks().values():
        content = file.read_bytes()
        place = content.index(b"seed")
        assert b"checksum" in content[:place]


@given(st.floats(0, 100, exclude_max=True), st.floats(0, 100, exclude_max=True))
def test_no_two_levels_share_a_file(one: float, other: float) -> None:
    assert (level_file(Path(), one) == level_file(Path(), other)) == (one == other)


def test_names_of_ordinary_levels_are_as_they_were() -> None:
    names = {0: "00", 5: "05", 15: "15", 92.5: "92.5", 98.0: "98", 0.04: "00.04", 90.04: "90.04", 94.99: "94.99"}
    assert {level: level_file(Path(), level).stem for level in names} == names


def test_a_network_of_the_wrong_shape_is_refused() -> None:
    network = random_network((5,), 1.0, 0)
    with pytest.raises(ValueError, match="lead from 5 to 7"):
        Network(network.weights[1:], network.biases[1:], network.scaling)
    with pytest.raises(ValueError, match="not finite"):
        Network((network.weights[0] * np.float32(np.nan), network.weights[1]), network.biases, network.scaling)


def test_loss_is_the_mean_square_of_scaled_misses() -> None:
    segments = generate(500, 3)
    network = random_network((5,), 1.0, 0)
    miss = (network(segments.inputs) - segments.outputs) / (network.scaling.output_max - network.scaling.output_min)
    assert network.loss(segments.inputs, segments.outputs, batch=64) == pytest.approx(np.mean(miss**2))


PUBLISHED = {"0.00": 1.6e-4, "0.75": 1.2e-4, "0.93": 1.8e-4, "0.95": 6e-3}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_authors_networks_are_no_worse_than_known(shared: Path, name: str) -> None:
    pytest.importorskip("h5py", reason="the extra [keras] is not installed")
    from mothsim.controllers.networks.keras_import import import_keras

    folder = shared / "published_networks"
    network = import_keras(folder / f"{name}.h5", folder / "scaling.json")
    segments = generate(20_000, 5)
    assert network.sizes == (10, 400, 400, 400, 16, 7)
    assert network.sparsity == pytest.approx(float(name), abs=1e-3)
    assert network.loss(segments.inputs, segments.outputs) < 1.05 * PUBLISHED[name]


def test_bad_keras_files_are_said(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="the extra [keras] is not installed")
    from mothsim.controllers.networks.keras_import import import_keras, read_scaling

    (tmp_path / "bad.h5").write_bytes(b"not HDF5")
    with pytest.raises(ValueError, match="not a Keras HDF5 file"):
        import_keras(tmp_path / "bad.h5", tmp_path / "scaling.json")
    (tmp_path / "scaling.json").write_text('{"input_min": [1, 2]}')
    with pytest.raises(ValueError, match="not a scaling file"):
        read_scaling(tmp_path / "scaling.json")
