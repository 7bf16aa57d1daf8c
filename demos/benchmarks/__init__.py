"""How fast the engine, the environment, the controllers and the networks are on this machine."""
