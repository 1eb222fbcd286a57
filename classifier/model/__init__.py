"""The model: a base in memory, its adapter, and what runs a forward through them.

A base: ``bases`` finds and checks it, ``backbone`` loads it on a ``device``, in the 4 bits of
``quantization``. ``lora`` puts the adapter of an ``adapter_file`` beside its weights.

A forward: the tokens of tickets and labels are ``segment`` by ``segment`` given rows of the
``kv_cache``; a ``pack`` lays the segments out one after the other. A ``runner`` (``runner_choice``)
runs it: ``eager`` through transformers with the ``attention`` here, or ``compiled`` on CUDA.
``logits`` makes of the last states the log-probabilities that the pack asks for.

The compiled forward: ``staging`` brings a ``frame`` of inputs to the device, ``row_tables`` tell
whose each row is, ``blocks`` and ``visibility`` who sees which pages. ``decoder`` computes the
layers from ``layer_weights``, which ``conversion`` makes by ``mode``, with ``rotary`` embeddings
and the products of ``linear_weights``. ``nf4`` weights are dequantised by ``nf4_op`` and its
``nf4_kernel``. ``cuda_graphs`` replay small forwards. ``memory`` says how large they may be.
"""
