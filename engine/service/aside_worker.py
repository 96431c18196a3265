"""The other end of `engine.service.aside`: one task on the arrays of a folder, its answer beside them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]


def project(arrays: Arrays, settings: dict[str, Any]) -> tuple[Arrays, dict[str, Any]]:
    """`engine.analyses.projection.project`."""
    from engine.analyses.projection import project
    from engine.core.embedding import ProjectionParameters

    baselines = {name: arrays[f"baseline {name}"] for name in settings["baselines"]}
    found = project(arrays["vectors"], arrays["classes"].tolist(), baselines, ProjectionParameters(**settings["parameters"]))
    told = {
        "method": found.method,
        "agreements": [asdict(row) for row in found.agreements],
        "missing": found.missing,
        "software": dict(found.software),
    }
    out: Arrays = {"pca": found.pca, "explained": found.explained, "clusters": found.clusters}
    return out if found.umap is None else {**out, "umap": found.umap}, told


def probe(arrays: Arrays, settings: dict[str, Any]) -> tuple[Arrays, dict[str, Any]]:
    """`engine.analyses.probe.probe`."""
    from engine.analyses.probe import probe

    features = {name: arrays[f"features {name}"] for name in settings["features"]}
    found = probe(
        settings["label"], arrays["texts"].tolist(), arrays["groups"].tolist(), features, settings["features"][0], settings["seed"]
    )
    told = {name: getattr(found, name) for name in ("label", "kind", "rows", "groups", "folds")}
    return {"indices": found.indices, "predicted": found.predicted, "truth": found.truth}, {
        **told,
        "scores": [asdict(row) for row in found.scores],
    }


TASKS = {"project": project, "probe": probe}


def main(folder: Path) -> None:
    """Read the question, write the answer; what is refused is an answer, too."""
    from engine.core.errors import LocuscopeError

    question = json.loads((folder / "in.json").read_text(encoding="utf-8"))
    with np.load(folder / "in.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    try:
        out, told = TASKS[question["task"]](arrays, question["settings"])
    except LocuscopeError as error:
        out, told = {}, {"refused": str(error)}
    np.savez(folder / "out.npz", **out)  # type: ignore[arg-type]
    (folder / "out.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    main(Path(sys.argv[1]))
