"""The demo network on a cluster of its own, which tests migrate further than any release."""

from tests.server.conftest import network as network
