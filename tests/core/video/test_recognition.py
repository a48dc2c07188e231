import numpy as np
import pytest

from har_core.video import recognition
from tests.core.video import clips


@pytest.fixture
def clip(tmp_path):
    """Four seconds of red, then four of blue."""
    images = [clips.plain(colour) for colour in (clips.RED, clips.BLUE) for _ in range(16)]
    return clips.write(tmp_path / "clip.mp4", images, rate=4)


def test_a_clip_of_two_actions_gives_two_segments(clip, tiny):
    told = []
    result = recognition.recognise(clip, tiny, 2, lambda done, total, what: told.append((done, total, what)))
    first, second = result.to_dict()["segments"]
    assert set(first) == {"start", "end", "label", "confidence", "decision"}
    assert (first["label"], first["start"], first["decision"]) == ("red", 0, "sure")
    assert (second["label"], second["end"], second["decision"]) == ("blue", 8, "sure")
    assert first["end"] == second["start"] == pytest.approx(3.75)
    assert result.to_dict()["model"] == {"name": "tiny", "version": 1}
    assert result.duration == pytest.approx(8)
    assert result.samples.probabilities.shape == (16, 3)
    np.testing.assert_allclose(result.samples.probabilities.sum(1), 1, atol=1e-4)
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
    assert told[-1] == (8, 8, "seconds of video")


def test_the_model_that_ships_knows_the_actions_of_a_clip_of_photos(tmp_path, everyday):
    from PIL import Image

    from tests.conftest import EXAMPLES

    photos = [np.asarray(Image.open(EXAMPLES / f"{name}.jpg").resize((640, 480))) for name in ("cycling", "climbing")]
    clip = clips.write(tmp_path / "clip.mp4", (photo for photo in photos for _ in range(20)), rate=4)
    found = recognition.recognise(clip, everyday).segments
    assert [item.label for item in found] == ["cycling", "climbing"]
    assert found[0].end == pytest.approx(5, abs=0.3)
