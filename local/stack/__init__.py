"""The acts of `./hybrid local`, over all parts."""
