"""The demos of the environment run, at a small size, and show what they say."""

import importlib
import itertools
import json
import sys

import numpy as np
import pytest

import mothsim
from mothsim import MothBody, make_trajectory
from mothsim.controllers.adapters import as_policy
from mothsim.controllers.lqr import LQR
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.storage import load_network, save_network
from mothsim.demos.examples import own_controller, random_lqr_network
from mothsim.demos.run import run
from mothsim.envs import TrackVectorEnv
from mothsim.envs.episodes import first_episodes
from mothsim.interfaces import make_interface
from mothsim.trim import find_trim


def test_own_controller_hovers(capsys):
    assert own_controller.OwnController(seconds=4.0).run() < 0.5
    assert "aloft after 4.00 s" in capsys.readouterr().out


@pytest.fixture
def network(tmp_path):
    """A small network that has learned nothing: it flies into the ground, but it flies."""
    rng = np.random.default_rng(0)
    sizes = (10, 8, 7)
    weights = tuple(rng.normal(size=pair).astype(np.float32) for pair in itertools.pairwise(sizes))
    biases = tuple(np.zeros(size, np.float32) for size in sizes[1:])
    scaling = Scaling(-np.ones(10), np.ones(10), -np.ones(7), np.ones(7))
    save_network(Network(weights, biases, scaling), tmp_path / "net.safetensors")
    return str(tmp_path / "net.safetensors")


def test_random_lqr_network(network, capsys):
    flown = random_lqr_network.RandomLQRNetwork(seconds=1.0, moths=3, network=network).run()
    assert list(flown) == ["random", "lqr", network]
    assert not flown["lqr"].lost.any()
    assert flown["random"].lost.all()
    assert (flown["lqr"].rms_errors < 1).all()
    assert flown["lqr"].returns.mean() > 5 * flown["random"].returns.mean()
    assert "median RMS error" in capsys.readouterr().out


def test_first_episodes_are_those_of_single_flights():
    env = TrackVectorEnv(3, trajectory="hover", duration=0.8)
    episodes = first_episodes(env, lambda seen, infos: np.zeros((3, 3)), seed=4)
    one = TrackVectorEnv(1, trajectory="hover", duration=0.8)
    alone = first_episodes(one, lambda seen, infos: np.zeros((1, 3)), seed=5)
    for name in ("returns", "seconds", "lost", "rms_errors"):
        assert getattr(alone, name)[0] == getattr(episodes, name)[1]


@pytest.mark.parametrize("duration", [0.02, 0.4, 0.5, 0.6])
def test_first_episodes_have_the_errors_of_flights(duration):
    env = TrackVectorEnv(3, trajectory="hover", duration=duration)
    _, infos = env.reset(seed=4)
    episodes = first_episodes(env, as_policy(LQR(), env), seed=4)
    flight = mothsim.fly(LQR(), "hover", duration=duration, starts=infos["state"])
    np.testing.assert_allclose(episodes.rms_errors, flight.rms_error, rtol=1e-12)


@pytest.mark.parametrize("name", ["ppo", "sac"])
def test_a_learner_trains(name, tmp_path, capsys):
    sb3 = pytest.importorskip("stable_baselines3", reason="the extra [rl] is not installed")
    demo = importlib.import_module(f"mothsim.demos.train_{name}")

    result = getattr(demo, f"Train{name.upper()}")(minutes=0.05, moths=8, out=tmp_path, tests=4).run()
    assert result["lqr"]["lost"] == 0
    written = json.loads((tmp_path / "result.json").read_text())
    assert written[name]["decisions"] == result[name]["decisions"] > 0
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == ["controller", "lqr", name]
    assert "policy.safetensors" in printed.err

    network, model = load_network(tmp_path / "policy.safetensors"), getattr(sb3, name.upper()).load(tmp_path / "model")
    states = 0.01 * np.random.default_rng(0).normal(size=(5, 8)) + find_trim(MothBody()).state
    interface = make_interface(1, make_trajectory("hover"), MothBody(), 0.02, 5, 0.4)
    observations = interface.observe(states, np.zeros(5, np.int64))
    expected, _ = model.predict(observations, deterministic=True)
    np.testing.assert_allclose(np.clip(network(observations) / 0.4, -1, 1), expected, atol=1e-5)


@pytest.mark.slow
def test_ppo_trains_in_jax(tmp_path, capsys):
    pytest.importorskip("rejax", reason="the extra [rejax] is not installed")
    from mothsim.demos.train_rejax import TrainRejax

    result = TrainRejax(decisions=1500, moths=8, out=tmp_path, tests=4).run()
    assert result["rejax"]["decisions"] == 1024  # whole updates of 64 decisions each
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["controller", "lqr", "rejax"]
    network = load_network(tmp_path / "policy.safetensors")
    assert network.sizes == (29, 64, 64, 3)
    assert network.info["training_seconds"] == pytest.approx(result["cpu_seconds"], abs=0.1)
    with pytest.raises(ValueError, match="moths = 9: expected a multiple of 8"):
        TrainRejax(moths=9).run()


def test_train_ppo_without_its_extra_is_a_line(capsys, monkeypatch):
    from mothsim.demos import train_ppo

    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    assert run(train_ppo.TrainPPO, [], prog="train_ppo") == 1
    error = capsys.readouterr().err
    assert error.startswith("train_ppo: ")
    assert error.endswith('needs the extra [rl], pip install "mothsim[rl]"\n')
    with pytest.raises(SystemExit) as left:
        run(train_ppo.TrainPPO, ["--help"], prog="train_ppo")
    assert left.value.code == 0
    assert run(own_controller.OwnController, ["--seconds", "nan"], prog="own_controller") == 1
    assert capsys.readouterr().err.startswith("own_controller: seconds = nan: expected seconds above 0")


@pytest.mark.slow
def test_ppo_learns_to_hover(tmp_path):
    pytest.importorskip("stable_baselines3", reason="the extra [rl] is not installed")
    from mothsim.demos import train_ppo

    ppo = train_ppo.TrainPPO(out=tmp_path).run()["ppo"]
    assert ppo["lost"] == 0
    assert ppo["rms_error_cm"] < 0.05
