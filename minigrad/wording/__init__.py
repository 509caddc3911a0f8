"""What errors say. Its files know the engine only by the facts they are given, and are loaded when something fails."""
