"""Places on a map and in clusters, and how far clusters agree with classes: PCA always, UMAP and Leiden where they are installed.

Numbers by scikit-learn (PCA, k-means, nearest neighbours, adjusted Rand index), umap-learn and leidenalg. Each column is centred and scaled to a
variance of one, of states and baselines alike: unscaled, one component of the shipped model's states holds 86 % of the variance and says little
(ARI of k-means with six classes of E. coli 0.10, scaled 0.24). Neighbours and clusters are found among the first 50 components.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.embedding import Agreement, Projection, ProjectionParameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_COMPONENTS = 50
SHUFFLES = 200
USUAL_CLUSTERS = 8
WITHOUT_BOUND, ITERATIONS = 5_000, 10
"""Up to so many places Leiden goes on until nothing gets better; of more it ends after so many rounds: of 10,000 windows of E. coli by 4-mers they
take 7 s and reach a modularity of 0.472 (2 rounds: 3 s, 0.469), all of them 22 s, and of 50,000 all were not done in two minutes of a core."""
STATES = "hidden states"
OPTIONAL = {
    "umap": ("umap-learn", "UMAP", "pip install umap-learn==0.5.12", "BSD-3-Clause"),
    "leidenalg": ("leidenalg", "Leiden", "pip install leidenalg==0.12.0", "GPL-3.0-or-later, with igraph under GPL-2.0-or-later"),
}
"""Module → package, what it adds, how it is installed, and its licence."""


def missing_packages() -> tuple[str, ...]:
    """One sentence for each optional package that is not here."""
    return tuple(
        f"{what} is left out: the package {package} ({licence}) is not installed here; add it by '{how}'."
        for module, (package, what, how, licence) in OPTIONAL.items()
        if importlib.util.find_spec(module) is None
    )


def project(
    vectors: NDArray[np.float32],
    classes: Sequence[str],
    baselines: dict[str, NDArray[np.float32]],
    parameters: ProjectionParameters | None = None,
) -> Projection:
    """The map of ``vectors`` float32 (n, D); with ``classes`` (n,), how clusters of it and of each of the ``baselines`` (n, ·) agree with them."""
    chosen = parameters or ProjectionParameters()
    pca, explained = components(vectors, chosen.seed)
    there = {name: importlib.util.find_spec(name) is not None for name in OPTIONAL}
    leiden = there["leidenalg"] and len(pca) > chosen.neighbours
    method = _leiden_name(len(pca)) if leiden else "k-means"
    clusters = _leiden(pca, chosen) if leiden else _k_means(pca, _count(classes, chosen), chosen.seed)
    umap = _umap(pca, chosen) if there["umap"] and len(pca) > chosen.neighbours else None
    agreements = []
    if len({name for name in classes if name}) > 1:
        count = _count(classes, chosen)
        spaces = {STATES: pca, **{name: components(values, chosen.seed)[0] for name, values in baselines.items()}}
        if leiden:
            agreements += [agreement(name, method, _leiden(space, chosen), classes, chosen.seed) for name, space in spaces.items()]
        agreements += [
            agreement(name, "k-means", _k_means(space, count, chosen.seed), classes, chosen.seed) for name, space in spaces.items()
        ]
    return Projection(pca, explained, umap, clusters, method, tuple(agreements), missing_packages(), chosen, _versions())


def components(vectors: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Principal components of the scaled columns float32 (n, C) and their shares of the variance (C,); C up to `MOST_COMPONENTS`, at least 2 (zeros)."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    count = min(MOST_COMPONENTS, len(vectors), vectors.shape[1])
    model = PCA(n_components=count, svd_solver="covariance_eigh" if vectors.shape[1] <= 2_000 else "full", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # shares of no variance at all
        found = model.fit_transform(StandardScaler().fit_transform(np.asarray(vectors, dtype=np.float64)))
    pad = max(0, 2 - count)
    shares = np.nan_to_num(model.explained_variance_ratio_)
    return np.pad(found, ((0, 0), (0, pad))).astype(np.float32), np.pad(shares, (0, pad)).astype(np.float32)


def agreement(features: str, method: str, clusters: NDArray[np.int32], classes: Sequence[str], seed: int) -> Agreement:
    """Adjusted Rand index of clusters and classes, beside `SHUFFLES` shuffles of the classes; places without a class are left out."""
    from sklearn.metrics import adjusted_rand_score

    kept = np.array([bool(name) for name in classes])
    truth, found = np.array(classes)[kept], clusters[kept]
    generator = np.random.default_rng(seed)
    shuffled = [adjusted_rand_score(generator.permutation(truth), found) for _ in range(SHUFFLES)]
    low, high = np.quantile(shuffled, (0.025, 0.975))
    return Agreement(
        features,
        method,
        len(set(found.tolist())),
        float(adjusted_rand_score(truth, found)),
        float(np.mean(shuffled)),
        float(low),
        float(high),
    )


def _count(classes: Sequence[str], parameters: ProjectionParameters) -> int:
    names = {name for name in classes if name}
    wanted = parameters.clusters or (len(names) if len(names) > 1 else USUAL_CLUSTERS)
    return max(1, min(wanted, len(classes)))


def _by_size(labels: Any) -> NDArray[np.int32]:
    """Clusters numbered by size, the largest 0."""
    _, inverse, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    order = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return order[inverse].astype(np.int32)


def _k_means(space: NDArray[np.float32], count: int, seed: int) -> NDArray[np.int32]:
    from sklearn.cluster import KMeans

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer distinct places than clusters
        return _by_size(KMeans(count, n_init=10, random_state=seed).fit_predict(space))


def _leiden(space: NDArray[np.float32], parameters: ProjectionParameters) -> NDArray[np.int32]:
    """Communities of the graph of nearest neighbours, edges weighed by the share of neighbours that both ends have in common (Jaccard)."""
    import igraph
    import leidenalg
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=parameters.neighbours).fit(space).kneighbors(return_distance=False)
    rows = np.repeat(np.arange(len(space)), near.shape[1])
    joined = sparse.csr_matrix((np.ones(rows.size), (rows, near.ravel())), shape=(len(space), len(space)))
    edges = joined.maximum(joined.T).tocoo()
    upper = edges.row < edges.col
    ends = np.stack((edges.row[upper], edges.col[upper]), axis=1)
    common = np.asarray(joined[ends[:, 0]].multiply(joined[ends[:, 1]]).sum(axis=1)).ravel()
    weights = (common + 1) / (2 * parameters.neighbours - common + 1)
    graph = igraph.Graph(n=len(space), edges=ends.tolist(), directed=False)
    found = leidenalg.find_partition(
        graph,
        leidenalg.RBConfigurationVertexPartition,
        weights=weights.tolist(),
        resolution_parameter=parameters.resolution,
        seed=parameters.seed,
        n_iterations=-1 if len(space) <= WITHOUT_BOUND else ITERATIONS,
    )
    return _by_size(found.membership)


def _leiden_name(places: int) -> str:
    """What results call it: of many places it was ended before nothing got better."""
    return "Leiden" if places <= WITHOUT_BOUND else f"Leiden, {ITERATIONS} rounds"


def _umap(space: NDArray[np.float32], parameters: ProjectionParameters) -> NDArray[np.float32]:
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a seed means one thread
        model = umap.UMAP(n_neighbors=parameters.neighbours, random_state=parameters.seed)
        return np.asarray(model.fit_transform(space), dtype=np.float32)


def _versions() -> dict[str, str]:
    found = {}
    for package in ("scikit-learn", *(row[0] for row in OPTIONAL.values())):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
