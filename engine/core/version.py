"""The version of the product; it stands nowhere else."""

VERSION = "0.2.0"
