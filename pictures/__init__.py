"""Pictures of a plan as SVG: the same plan gives the same picture, byte for byte."""
