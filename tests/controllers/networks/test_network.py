import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import find_network, load_network, save_network
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
    for rows in (1, 3, 5, 6, 16, 22, 33, 70):
        assert np.array_equal(outputs[:rows], compiled(inputs[:rows]))


@pytest.mark.parametrize("name", ["dense", "sparse-93", "sparse-98", "small", "compact", "fewest"])
def test_a_shipped_network_gives_the_same_numbers(name: str) -> None:
    network, inputs = find_network(name), generate(20_000, 7).inputs
    span = network.scaling.output_max - network.scaling.output_min
    assert np.abs((CompiledNetwork(network)(inputs) - network(inputs)) / span).max() < 4e-7


def test_inputs_of_another_shape_are_refused() -> None:
    for shape in ((3, 9), (20, 12)):
        with pytest.raises(ValueError, match=r"inputs: expected shape \(N, 10\)"):
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
