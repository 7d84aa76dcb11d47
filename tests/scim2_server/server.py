# A SCIM 2.0 server made of `scim2-server`, for the connector's tests.
#
#   python server.py <token>
#
# Prints {"port": …} as its first line and ends when its standard input closes. Only the choice of the port
# is ours: what the library does with filters, patches, entity tags and errors is left as it is.

import json
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.testserver.cli import ThreadingWSGIServer
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


config = load_default_service_provider_config()
config.authentication_schemes = [*(config.authentication_schemes or []), BEARER_TOKEN_SCHEME]
provider = ScimProvider.from_discovery(
    load_default_schemas().values(), load_default_resource_types().values(), config=config, policy=None
)
service = ScimService(provider, secret="a secret of the test's own, 32 bytes")
application = BearerTokenApplication(InMemoryStorage(), provider, service=service, bearer_tokens=[sys.argv[1]])
server = make_server("127.0.0.1", 0, application, server_class=ThreadingWSGIServer, handler_class=Quiet)
print(json.dumps({"port": server.server_port}), flush=True)
threading.Thread(target=end_with_input, daemon=True).start()
server.serve_forever()
