"""Trains an LLM's adapter.

``version.train_llm`` takes samples, units and a base. ``preparation`` reads the ``recipe`` with its
``recipe_paths`` and its ``training_section``, makes the prompt and holds a part of the samples out;
what is drawn ticket by ticket, ``draws`` draws. A recipe may have labels made ``soft``. The samples
go to the ``trainer`` as ``tokens``: ``loading`` brings the base in 4 bits with a fresh adapter,
``arguments`` says what the recipe means for TRL, and ``joint_trainer`` adds to TRL's loss that of a
``unit_head``, and where samples have weights, a pass over the ``vocabulary``; ``cpu_trainer`` takes
its place without a GPU, and computes the base by ``cpu_layers``. A recipe may take the ``fast``
path instead of these two. ``sampling`` says in which order samples are learned. An interrupted
training goes on from its ``checkpoints``, ``measuring`` draws its curves, and ``divergence`` ends
it where it learns no numbers. ``scoring`` answers the held-out tickets with what was learned, as
serving will. ``assessment`` has ``choice`` pick head or names by them, and ``blending`` whether a
linear model is added to a head; it makes calibration and metrics; then the version is written.
``unsloth_first`` is imported before transformers, peft and trl.
"""
