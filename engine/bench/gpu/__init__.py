"""What a machine with a GPU is asked once, in a few minutes: do the models work there, how fast are maps, how fast is training.

``python -m engine.bench.gpu --minutes 9 --out FOLDER``, which is what ``make gpu MINUTES=9`` calls. It needs no environment of its own: beside the
standard library only numpy, torch (2.11 or newer), safetensors, transformers, tokenizers, typer, filelock and pytest are imported.
"""
