"""The errors Paidan raises on purpose: each message says what is wrong, where, and what to do."""


class PaidanError(Exception):
    """Base of all errors a person can act on; the command line prints its message and exits 1."""


class SettingsError(PaidanError):
    """A setting is missing, malformed or contradicts another."""


class InputError(PaidanError):
    """A file or record given by the user cannot be taken; names file, line and field."""


class DatabaseUnavailableError(PaidanError):
    """The database cannot be reached or is not migrated."""


class RecordRefusedError(PaidanError):
    """The database refuses a value; nothing of the transaction was written."""


class BrokerUnavailableError(PaidanError):
    """Redis cannot be reached."""


class StorageError(PaidanError):
    """A file or directory cannot be written or read (full, read-only, no permission)."""


class ModelVersionError(PaidanError):
    """A model version directory is damaged, unknown or does not fit the taxonomy."""


class SnapshotError(PaidanError):
    """A training snapshot is damaged, or teaches what must stay out of training."""


class TaxonomyError(PaidanError):
    """A handling unit is unknown, doubled or mapped to nowhere."""


class DeviceError(PaidanError):
    """The requested GPU does not exist on this machine."""


class AlreadyRunningError(PaidanError):
    """Another process already holds this role (stack, worker name)."""


class ModelFaultError(PaidanError):
    """A model fails on any ticket: the fault is its own, not a ticket's."""


# Faults of the database itself, not of a ticket: it is away, or its disk is full.
DATABASE_FAULTS = (DatabaseUnavailableError, StorageError)
