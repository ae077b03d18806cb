"""Nodes: a mesh of interpreters that trust each other, and the carrier of signals between them."""
