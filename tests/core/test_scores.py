import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logsumexp, softmax

from har_core import scores

LOGITS = arrays(np.float32, (3, 5), elements=st.floats(-1000, 1000, width=32))


@given(LOGITS, st.floats(0.05, 20))
def test_probabilities_are_a_softmax_at_a_temperature(logits, temperature):
    found = scores.probabilities(logits, temperature)
    assert found.dtype == np.float32
    assert found == pytest.approx(softmax(logits.astype(np.float64) / temperature, axis=1), abs=1e-2)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)


@given(LOGITS)
def test_the_energy_is_the_logarithm_of_the_sum_of_exponentials(logits):
    assert scores.energy(logits) == pytest.approx(logsumexp(logits.astype(np.float64), axis=1), rel=1e-5, abs=1e-4)
    assert float(scores.energy(logits[0])) == scores.energy(logits)[0]
