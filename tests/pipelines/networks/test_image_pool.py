"""The CycleGAN rule of the image pool, by counting."""

import io

import pytest
import torch

from pipelines.networks.image_pool import ImagePool

DRAWS = 4000


def numbered(start: int, count: int = 1) -> torch.Tensor:
    return torch.arange(start, start + count, dtype=torch.float32).reshape(-1, 1, 1, 1)


def feed(pool: ImagePool, start: int, count: int) -> list[int]:
    return [int(pool.query(numbered(i))) for i in range(start, start + count)]


def test_returns_what_comes_in_until_full():
    pool = ImagePool(size=10)
    assert feed(pool, 0, 10) == list(range(10))
    assert len(pool) == 10


def test_a_full_pool_answers_half_from_the_past_and_never_twice_the_same():
    pool = ImagePool(size=10, seed=3)
    feed(pool, 0, 10)
    answers = feed(pool, 10, DRAWS)
    past = sum(answer != newest for newest, answer in enumerate(answers, start=10))
    four_sigma = 4 * (DRAWS * 0.25) ** 0.5
    assert abs(past - DRAWS / 2) < four_sigma
    assert len(set(answers)) == DRAWS
    assert len(pool) == 10


def test_every_place_of_the_pool_is_drawn_alike():
    pool = ImagePool(size=4, seed=1)
    feed(pool, 0, 4)
    ages = [
        newest - answer for newest, answer in enumerate(feed(pool, 4, DRAWS), start=4) if answer != newest
    ]
    # A place is drawn with probability 1/2 * 1/4 a step, so an image waits 8 steps on average.
    assert sum(ages) / len(ages) == pytest.approx(8.0, rel=0.1)


def test_size_zero_passes_through():
    pool = ImagePool(size=0)
    assert feed(pool, 0, 20) == list(range(20))
    assert len(pool) == 0


def test_a_batch_is_served_image_by_image():
    one, many = ImagePool(size=5, seed=2), ImagePool(size=5, seed=2)
    batches = [many.query(numbered(i, 4)).flatten().tolist() for i in range(0, 40, 4)]
    assert [int(x) for batch in batches for x in batch] == feed(one, 0, 40)


def test_answers_carry_no_gradient_and_do_not_follow_the_caller():
    pool = ImagePool(size=1)
    image = torch.zeros(1, 1, 2, 2, requires_grad=True)
    assert not pool.query(image * 2).requires_grad
    stored = torch.ones(1, 1, 2, 2)
    pool = ImagePool(size=1)
    pool.query(stored)
    stored.fill_(7.0)
    assert pool.state_dict()["images"][0].eq(1).all()


def test_continues_from_a_weights_only_checkpoint_as_if_never_stopped():
    pool = ImagePool(size=6, seed=5)
    feed(pool, 0, 30)
    file = io.BytesIO()
    torch.save(pool.state_dict(), file)
    expected = feed(pool, 30, 50)
    file.seek(0)
    resumed = ImagePool(size=6, seed=99)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    assert feed(resumed, 30, 50) == expected


def test_a_taken_state_does_not_change_with_the_pool():
    pool = ImagePool(size=3)
    feed(pool, 0, 3)
    state = pool.state_dict()
    feed(pool, 3, 50)
    assert [int(image) for image in state["images"]] == [0, 1, 2]


def test_refuses_the_state_of_another_size():
    with pytest.raises(ValueError, match=r"size 3.*size 4"):
        ImagePool(size=3).load_state_dict(ImagePool(size=4).state_dict())


def test_refuses_a_negative_size():
    with pytest.raises(ValueError, match="-1"):
        ImagePool(size=-1)
