"""Packed attention by groups, beside each token's own product."""

import pytest
import torch

from classifier.model.attention import GroupAttention
from classifier.model.pack import Pack
from tests.support.runners import CPU
from tests.support.segments import small_cache, tree_pack, visible


@pytest.mark.parametrize("scale", [None, 0.3])
def test_each_token_attends_to_what_its_segments_show_it(scale: float | None) -> None:
    # Given a tree of segments whose ancestors' keys and values are cached
    cache = small_cache()
    torch.manual_seed(0)
    cache.keys.normal_(), cache.values.normal_()
    pack = tree_pack(cache, [])
    count = len(pack.ids)
    query = torch.randn(1, 2, count, 4)  # two heads share the keys and values of one
    key, value = torch.randn(1, 1, count, 4), torch.randn(1, 1, count, 4)

    # When all are computed in their groups
    found = GroupAttention(pack, CPU).attend(0, query, key, value, scale)

    # Then keys and values are cached, and each token has the mean of what it sees
    assert torch.equal(cache.keys[0, pack.rows], key[0].transpose(0, 1))
    expected = by_token(pack, query, scale)
    assert torch.allclose(found, expected, atol=1e-5)


def by_token(pack: Pack, query: torch.Tensor, scale: float | None) -> torch.Tensor:
    seen = torch.from_numpy(visible(pack, slice(None)))  # type: ignore[arg-type]
    keys, values = pack.cache.keys[0, :, 0], pack.cache.values[0, :, 0]
    products = query[0] @ keys.t() * (0.5 if scale is None else scale)
    weights = products.masked_fill(~seen, -torch.inf).softmax(-1)
    return (weights @ values).transpose(0, 1)[None]
