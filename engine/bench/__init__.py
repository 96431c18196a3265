"""The table of figures of a machine, ``python -m engine bench``: what is measured, and with what it is compared."""
