"""A Civitas server for tests, with its stage: rehearsals, clock, snapshots, ledger."""

from .server import Civitas, CivitasError, Clock, Ledger

__all__ = ["Civitas", "CivitasError", "Clock", "Ledger"]
