"""Pictures: flights, animations and the shape of the moth."""
