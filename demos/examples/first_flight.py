"""A flight in ten lines: our sparsest network along the sum of primes."""

from pathlib import Path

import mothsim
from mothsim import controllers
from mothsim.plotting.figures import draw_flight, save_figure

if __name__ == "__main__":
    flight = mothsim.fly(controllers.make("inverse-model", network="sparse-98"), "sum-of-primes", duration=5.0, seed=0)
    print(f"rms error {flight.rms_error:.3f} cm, largest {flight.max_error:.3f} cm, lost: {flight.lost}")
    save_figure(draw_flight(flight, "sparse-98"), Path("out/first_flight.png"))
