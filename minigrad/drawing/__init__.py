"""Pictures of graphs: DOT text, its look and its layout, heat maps. Reads `minigrad.graph`, which calls it by name."""
