"""Models to begin from, one of each kind; a test takes them to a box.

    .venv-lab/bin/python -m models.templates pytorch --name my-model

Copy the kind you want and `bundle.toml`, put your people in place of `study.people_of`, and
change the words. `models/AUTHORS.md` is the contract.
"""
