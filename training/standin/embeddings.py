"""Where the stand-in's token embeddings begin: at what tickets have in common."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds
from transformers import Qwen2Tokenizer

from core.text import model_text
from training.standin.tokenizer import Ticket, encode

_SCALE = 0.05


def cooccurrence_embeddings(
    source: Sequence[Ticket], tokenizer: Qwen2Tokenizer, width: int, seed: int
) -> torch.Tensor:
    """Return (tokens, width) float32 vectors, alike where tokens stand in the same tickets.

    Positive pointwise mutual information, factorised; Levy and Goldberg, "Neural Word Embedding as
    Implicit Matrix Factorization", NIPS 2014. From such a start the few thousand steps suffice.
    """
    texts = [model_text(title, text) for title, text in source]
    rows = [sorted(set(row)) for row in encode(tokenizer, texts)]
    places = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    tokens = np.concatenate([np.asarray(row) for row in rows])
    shape = len(rows), len(tokenizer)
    seen = csr_matrix((np.ones(len(tokens), np.float32), (places, tokens)), shape)
    pairs = (seen.T @ seen).tocoo()
    counts = np.asarray(seen.sum(axis=0)).ravel()
    information = np.log(pairs.data * len(rows) / (counts[pairs.row] * counts[pairs.col]))
    information = np.maximum(information, 0) * (pairs.row != pairs.col)
    matrix = csr_matrix((information, (pairs.row, pairs.col)), pairs.shape)
    start = np.random.default_rng(seed).standard_normal(len(tokenizer))
    left, strengths, _ = svds(matrix.astype(np.float32), k=width, v0=start.astype(np.float32))
    vectors = left * np.sqrt(strengths)
    return torch.from_numpy((vectors * (_SCALE / vectors.std())).astype(np.float32))
