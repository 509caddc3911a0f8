"""Pictures of graphs: DOT text, its look and its layout, heat maps, the explorer."""
