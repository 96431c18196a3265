"""Secondary structure by energies or letters alone: what contacts of a language model are held against."""
