"""The explorer: one HTML page on which a graph is read, searched and stepped through."""
