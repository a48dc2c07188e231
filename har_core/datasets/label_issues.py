"""Which labels are probably wrong.

A classifier on frozen embeddings learns from four fifths of the photos and judges the labels of the last fifth, five
times over, as in confident learning (Northcutt, Jiang and Chuang 2021, https://arxiv.org/abs/1911.00068). That method
then accepts another label where it reaches the mean confidence that its own photos get. Here the label suggested is
compared with the one given instead, which accuses far fewer right labels: ``benchmarks/label_issues.py`` measures both.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import log_softmax, softmax

from har_core.litert import Floats

# Chosen on 100 sports of which 5 % got another label, at random or one that looks alike: the best balance of recall and
# precision over both.
MIN_SCORE = 0.98

_FOLDS = 5
_COMPONENTS = 256
_SAMPLE = 20_000
_REGULARISATION = 3.0
_TEMPERATURES = np.geomspace(0.05, 5, 40)
_WRONG_SHARES = np.linspace(0, 0.4, 21)

Codes = npt.NDArray[np.intp]


def find(
    embeddings: Floats, labels: Sequence[str | None] | pd.Series | npt.NDArray[np.str_], seed: int = 0
) -> pd.DataFrame:
    """Finds labels that are probably wrong.

    The score is the suggested label's probability when one of it and the given label is right. Half of what a label
    gains by being frequent (the square root of its share) is taken out of it, so that a rare label is not suspected
    for being rare.

    Args:
        embeddings: float32 ``(n, d)``; rows of zeros are left out.
        labels: The labels given ``(n,)``; photos without one, or the only one of their label, are left out.
        seed: Of the folds.

    Returns:
        One row a suspect, worst first: ``row``, ``label``, ``suggested``, ``score`` (0.98–1). Empty when there are
        fewer than two labels to tell apart.
    """
    given = pd.Series(labels, dtype="string").reset_index(drop=True)
    given = given[given.notna() & pd.Series(embeddings.any(axis=1))]
    given = given[given.groupby(given).transform("size") >= 2]
    codes, names = pd.factorize(given, sort=True)
    suggested, score = codes, np.zeros(len(codes), np.float32)
    if len(names) > 1:
        # No copy of what may be half a gigabyte where every photo counts.
        vectors = embeddings if len(given) == len(embeddings) else embeddings[given.index]
        suggested, score = _compare(probabilities(vectors, codes, seed), codes)
    worst = np.argsort(-score, kind="stable")
    worst = worst[score[worst] >= MIN_SCORE]
    return pd.DataFrame(
        {
            "row": given.index[worst],
            "label": given.array[worst],
            "suggested": names.take(suggested[worst]),
            "score": score[worst],
        }
    )


def probabilities(embeddings: Floats, codes: Codes, seed: int) -> Floats:
    """How probable each label is for each photo, by a classifier that has not seen the photo.

    The classifier is a logistic regression on the embeddings' principal components. It learns to expect wrong labels,
    so its probabilities are sharpened to those of the right labels; see ``_temperature``.

    Args:
        embeddings: float32 ``(n, d)``.
        codes: The label given to each photo, 0 to labels - 1, at least two of each ``(n,)``.
        seed: Of the folds.

    Returns:
        float32 ``(n, labels)``.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - takes a second, and pages need only the report

    rng = np.random.default_rng(seed)
    features = _features(embeddings, rng)
    log_probabilities = np.zeros((len(codes), codes.max() + 1), np.float32)
    folds = _folds(codes, rng)
    for fold in np.unique(folds):
        model = LogisticRegression(C=_REGULARISATION, max_iter=300).fit(features[folds != fold], codes[folds != fold])
        found = model.predict_proba(features[folds == fold])
        log_probabilities[folds == fold] = np.log(np.maximum(found, 1e-12))
    sample = rng.permutation(len(codes))[:_SAMPLE]
    temperature = _temperature(log_probabilities[sample], codes[sample])
    return softmax(log_probabilities / np.float32(temperature), axis=1)


def _features(embeddings: Floats, rng: np.random.Generator) -> Floats:
    """The principal components of the embeddings' directions, found on a sample, with a mean squared length of 1."""
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.preprocessing import normalize  # noqa: PLC0415

    sample = rng.permutation(len(embeddings))[:_SAMPLE]
    components = min(_COMPONENTS, len(sample), embeddings.shape[1])
    with np.errstate(invalid="ignore"):  # Embeddings that are all the same have no variance to share out.
        pca = PCA(components, svd_solver="covariance_eigh").fit(normalize(embeddings[sample]))
    blocks = np.array_split(embeddings, -(-len(embeddings) // _SAMPLE))
    features = np.concatenate([pca.transform(normalize(block)) for block in blocks])
    return features / np.sqrt((features**2).sum(axis=1).mean() or 1)


def _folds(codes: Codes, rng: np.random.Generator) -> Codes:
    """Deals each label's photos out in turn, so that no label with two photos is missing from a training part."""
    folds = np.empty_like(codes)
    folds[np.lexsort((rng.permutation(len(codes)), codes))] = np.arange(len(codes)) % _FOLDS
    return folds


def _temperature(log_probabilities: Floats, codes: Codes) -> float:
    """The temperature that makes the given labels most likely, if some share of them was drawn blindly by frequency.

    Without that share (whatever it is, 0 included), the wrong labels would pass for the classifier's mistakes and make
    it look less sure than it is, the more so the fewer labels there are.
    """
    blind = (np.bincount(codes) / len(codes))[codes]
    everyone = np.arange(len(codes))

    def log_likelihood(temperature: float) -> float:
        given = np.exp(log_softmax(log_probabilities / temperature, axis=1)[everyone, codes])
        likelihoods = [(1 - share) * given + share * blind for share in _WRONG_SHARES]
        return max(float(np.log(np.maximum(one, 1e-12)).mean()) for one in likelihoods)

    return float(max(_TEMPERATURES, key=log_likelihood))


def _compare(found: Floats, codes: Codes) -> tuple[Codes, Floats]:
    """The best label other than the given one, and its score."""
    weighted = found / np.sqrt(np.bincount(codes)).astype(np.float32)
    everyone = np.arange(len(codes))
    given = weighted[everyone, codes]
    weighted[everyone, codes] = -1
    suggested = weighted.argmax(axis=1)
    best = weighted[everyone, suggested]
    return suggested, best / (best + given)
