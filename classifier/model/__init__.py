"""The model: bases, their layers and what runs a forward through them.

``base`` knows which bases there are (``base_files``, ``base_weights`` check them); ``backbone``
loads one in 4 bits. A ``pack`` is the layout of a forward; a ``runner`` reads it, and ``compiled``
is the one for CUDA: ``decoder`` has its layers, ``blocks`` its block mask, ``nf4`` its weights,
with ``nf4_kernel``. ``attention`` is the plain way. ``kv_cache`` stores keys and values, ``memory``
says how many. ``lora`` is the adapter.
"""
