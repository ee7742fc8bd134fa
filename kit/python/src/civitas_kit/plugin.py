"""The pytest fixtures `civitas_server` (one server a session) and `civitas` (reset before
each test)."""

import pytest

from .server import Civitas


@pytest.fixture(scope="session")
def civitas_server():
    """A running server, stopped at the end of the session."""
    with Civitas.start() as server:
        yield server


@pytest.fixture
def civitas(civitas_server):
    """The server, empty, its clock the system's and nothing rehearsed."""
    civitas_server.reset()
    return civitas_server
